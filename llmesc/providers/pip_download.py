"""One wheel from the package index, through the user's own pip and its index settings."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

Progress = Callable[[str, float | None], None]
"""Told what is being waited for, and the part of it that is done where that is known."""

_LOOK_SECONDS = 0.2


class PipError(Exception):
    """No wheel came; says why. `no_pip`: there is nothing to fetch it with."""

    def __init__(self, message: str, *, no_pip: bool = False) -> None:
        super().__init__(message)
        self.no_pip = no_pip


async def download(requirement: str, folder: Path, on_bytes: Callable[[int], None], pip: Sequence[str] | None = None) -> Path:
    """The wheel of `requirement`, inside `folder`, without what it depends on. Raises `PipError`.

    `on_bytes` is told how much has come so far. `pip` is the command to use. Cancelling kills it.
    """
    target = folder / "wheel"
    process = await asyncio.create_subprocess_exec(
        *(pip or _pip()),
        *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet"),
        *("--disable-pip-version-check", "--dest", str(target), requirement),
        # It downloads into its temporary directory: here, where its growth is seen and what is left of it is found.
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us, who then stop it
    )
    talking = asyncio.create_task(process.communicate())
    try:
        while not talking.done():
            on_bytes(_largest(folder))
            await asyncio.wait({talking}, timeout=_LOOK_SECONDS)
    finally:
        if not talking.done():
            process.kill()
            await talking
    output, _ = talking.result()
    wheel = next(target.glob("*.whl"), None) if process.returncode == 0 else None
    if wheel is None:
        raise PipError(_complaint(output.decode(errors="replace")) or f"pip ended with code {process.returncode}")
    return wheel


def _pip() -> tuple[str, ...]:
    """The environment's own pip, or the one on the path: environments made by uv have none."""
    if find_spec("pip"):
        return (sys.executable, "-m", "pip")
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise PipError(f"there is no pip, neither in the environment of {sys.executable} nor on the path", no_pip=True)
    return (found,)


def _largest(folder: Path) -> int:
    """The size of the largest file: pip copies what it has downloaded, and both are there for a moment."""
    largest = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, os.stat(os.path.join(path, name)).st_size)  # noqa: PTH116, PTH118 - os.walk gives strings
            except FileNotFoundError:
                continue
    return largest


def _complaint(output: str) -> str:
    """What pip calls an error, without its advice."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return "pip: " + "; ".join(errors or lines[-1:]) if lines else ""
