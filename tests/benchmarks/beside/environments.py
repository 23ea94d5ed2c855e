"""An environment for each peer, made once and kept in the user's cache directory: no peer is a dependency of llmesc."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

import llmesc

PINS = Path(__file__).with_name("peers.toml")
INSTALL_SECONDS = 600.0
"""How long pip may take over one peer."""


class Absent(Exception):
    """A contestant that cannot run on this machine, and why."""


@dataclass(frozen=True)
class Peer:
    """One section of peers.toml."""

    name: str
    title: str
    packages: Sequence[str]
    module: str | None = None


@dataclass(frozen=True)
class Environment:
    """A Python with a peer in it, and every version that came with it."""

    python: Path
    versions: Mapping[str, str]


def peers() -> Mapping[str, Peer]:
    """Whom peers.toml names."""
    return {name: Peer(name, **section) for name, section in tomllib.loads(PINS.read_text()).items()}


def environment_of(peer: Peer) -> Environment:
    """The peer's environment, made now unless it is there. Raises `Absent`.

    The folder's name holds a digest of the pins and of this Python, so that a new pin makes a new one.
    """
    pins = "\n".join((*peer.packages, sys.version)).encode()
    folder = user_cache_path("llmesc-beside") / f"{peer.name}-{hashlib.sha256(pins).hexdigest()[:12]}"
    python, versions = folder / "bin" / "python", folder / "versions.txt"
    if not versions.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], peer)
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages], peer)
        compile_all(folder)
        frozen = _run([str(python), "-m", "pip", "list", "--format=freeze"], peer)
        versions.write_text(frozen)  # last: a folder without it was not finished
    return Environment(python, dict(line.split("==", 1) for line in versions.read_text().split() if "==" in line))


def compile_all(folder: Path) -> None:
    """Compiles what is below a folder: an environment may forbid Python to write bytecode, and then each start would compile
    again."""
    compileall.compile_dir(folder, quiet=2, workers=1)


def compile_ours() -> None:
    """Compiles llmesc and all that it stands on."""
    compile_all(Path(llmesc.__file__).parent)
    compile_all(Path(sysconfig.get_path("purelib")))


def clean_environment(**more: str) -> dict[str, str]:
    """This process's variables without settings of llmesc's, a proxy's, or those that would measure the compiler."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLMESC_", "PYTHON")) and not name.lower().endswith("_proxy")
    }
    return mine | {"NO_PROXY": "*"} | more


def _run(command: Sequence[str], peer: Peer) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"{peer.name} could not be installed: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise Absent(f"{peer.name} could not be installed: {last}")
    return done.stdout
