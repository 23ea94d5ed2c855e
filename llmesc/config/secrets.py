"""Secrets: where they are to be found, and finding them. Neither a message nor a frame that raises one holds a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Literal

from llmesc.config.paths import located
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.secret import Secret

COMMAND_SECONDS = 10.0
"""How long a command may take to print a secret."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SecretRef:
    """Where a secret is to be found; resolved only when a call needs it."""

    source: Literal["env", "command", "file", "keyring", "inline"]
    target: str
    """The variable, command line, path or keyring entry (`service/user`); for `inline` empty."""
    inline: Secret | None = None
    key: str = ""
    """The dotted key of the configuration where it stands, for messages."""

    @property
    def shown(self) -> str:
        """What people may see of it. Of a command only the program: its arguments may hold a secret."""
        if self.source == "inline":
            return "inline ***"
        if self.source == "command":
            program, *arguments = self.target.split(maxsplit=1)
            return f"command {program}{' …' if arguments else ''}"
        return f"{self.source} {self.target}"

    def __repr__(self) -> str:
        return f"SecretRef({self.key}: {self.shown})"


_of_commands: dict[tuple[str, Path], Secret] = {}
"""A command runs once a process, whoever needs what it prints: it may make the operator type a passphrase."""
_one_at_a_time = Lock()


def resolve(ref: SecretRef, environ: Mapping[str, str], base_dir: Path) -> Secret:
    """The secret; relative paths begin at `base_dir`, the directory of the configuration. Blocks for all but `env` and `inline`.

    Raises `ConfigError` that names the key and what to do, never the value.
    """
    if ref.source == "env":
        secret, problem = _clean(environ.get(ref.target)), f"environment variable {ref.target} is not set; export {ref.target}=…"
    elif ref.source == "command":
        secret, problem = _from_command(ref, base_dir)
    elif ref.source == "file":
        secret, problem = _from_file(ref, base_dir)
    elif ref.source == "keyring":
        secret, problem = _from_keyring(ref)
    else:
        secret, problem = ref.inline, "nothing is there; write the secret, or where it is to be found"
    if secret and not (secret.reveal().isascii() and secret.reveal().isprintable()):
        secret, problem = None, f"{ref.shown} holds line breaks or characters that no header carries; store the bare secret"
    if secret:
        return secret
    from llmesc.escalation.errors import ConfigError

    raise ConfigError((f"{ref.key or 'a secret'}: {problem}",))


def _clean(text: str | bytes | None) -> Secret | None:
    """Without the white space around; None where nothing is left."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    stripped = (text or "").strip()
    return Secret(stripped) if stripped else None


def _from_command(ref: SecretRef, base_dir: Path) -> tuple[Secret | None, str]:
    with _one_at_a_time:
        if known := _of_commands.get((ref.target, base_dir)):
            return known, ""
        secret, problem = _run(ref.target, base_dir)
        if secret:
            _of_commands[ref.target, base_dir] = secret
        return secret, f"{ref.shown} {problem}"


def _run(command: str, base_dir: Path) -> tuple[Secret | None, str]:
    """The first line of stdout, or what went wrong.

    stdin is closed, for it carries the prompt; stderr is dropped, for it may repeat the secret.
    """
    import shlex
    import subprocess

    try:
        process = subprocess.Popen(  # noqa: S603 -- the operator's own command line, and no shell
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=base_dir
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return None, f"cannot be run ({why}); give a program that is installed, with its arguments; no shell reads it"
    with process:
        try:
            secret = _clean(process.communicate(timeout=COMMAND_SECONDS)[0].split(b"\n", 1)[0])
        except subprocess.TimeoutExpired:
            process.kill()
            return None, f"did not end within {COMMAND_SECONDS:g} seconds; run it by hand: it must not ask anything"
    if process.returncode:
        return None, f"ended with status {process.returncode}; run it by hand to see why"
    return secret, "printed nothing in its first line; it must print the secret there"


def _from_file(ref: SecretRef, base_dir: Path) -> tuple[Secret | None, str]:
    path = located(ref.target, base_dir)
    try:
        return _clean(path.read_bytes()), f"the file {path} is empty; put the secret there, readable by you alone"
    except OSError as error:
        return None, f"the file {path} cannot be read ({error.strerror}); put the secret there, readable by you alone"


def _from_keyring(ref: SecretRef) -> tuple[Secret | None, str]:
    import importlib

    service, _, user = ref.target.rpartition("/")
    service = service or "llmesc"
    try:
        keyring = importlib.import_module("keyring")
        return _clean(keyring.get_password(service, user)), f"no such entry in the keyring; keyring set {service} {user}"
    except ModuleNotFoundError:
        return None, "the keyring library is not installed; pip install keyring"
    except Exception as error:  # noqa: BLE001 -- each keyring backend raises errors of its own
        return None, f"the keyring cannot be read ({type(error).__name__}); unlock it"
