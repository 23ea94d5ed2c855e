"""The prompt: joined from standard input, files and the argument, or refused with a clear line."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from llmesc.cli.bad_input import BadInput
from llmesc.cli.streams import Streams
from llmesc.escalation.pictures import media_type_of

MAX_BYTES = 10_000_000
"""More than any model reads; and never more than this is held in memory."""

PATIENCE_SECONDS = 1.0
"""How long standard input may be silent before we say that we wait for it."""

_HOW = 'llmesc ask "your question", or pipe text into llmesc ask'


def gather(argument: str | None, files: Sequence[Path], streams: Streams, on_wait: Callable[[], None]) -> str:
    """The prompt: piped standard input, the files, and the argument, in this order, with a blank line between.

    `-` names standard input explicitly, also on a terminal. Raises `BadInput` for what is empty, missing, binary, not UTF-8, or
    more than `MAX_BYTES` together. Calls `on_wait` where standard input has nothing to say for a while.
    """
    parts: list[str] = []
    room = MAX_BYTES
    for name, source in _sources(argument, files, streams):
        content = read(name, source, "the prompt", room=room, on_wait=on_wait)
        room -= len(content)
        parts.append(_text(name, content))
    if argument is not None and argument != "-":
        parts.append(_argument(argument))
    prompt = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    if not prompt:
        raise BadInput("the prompt is empty", _HOW)
    return prompt


def _sources(argument: str | None, files: Sequence[Path], streams: Streams) -> Iterator[tuple[str, BinaryIO | Path]]:
    named = argument == "-" or any(str(file) == "-" for file in files)
    if named or (not streams.stdin_is_terminal and _has_content(streams.stdin)):
        yield "standard input", streams.stdin
    elif argument is None and not files:
        raise BadInput("no prompt", _HOW)
    for file in files:
        if str(file) != "-":
            yield str(file), file


def _has_content(stdin: BinaryIO) -> bool:
    """Whether somebody gave us that: a pipe, a socket or a file, not the null device of a service."""
    try:
        mode = os.fstat(stdin.fileno()).st_mode
    except (OSError, ValueError):  # closed, or no file behind it
        return not stdin.closed
    return not stat.S_ISCHR(mode)


def _silent(stdin: BinaryIO) -> bool:
    try:
        return not select.select([stdin.fileno()], [], [], PATIENCE_SECONDS)[0]
    except (OSError, ValueError):  # no file behind it, or a system where only sockets can be asked
        return False


def read(
    name: str, source: BinaryIO | Path, what: str, *, room: int = MAX_BYTES, on_wait: Callable[[], None] | None = None
) -> bytes:
    """All that a file or standard input holds. Raises `BadInput` where it cannot be read, or holds more than `room` bytes.

    Calls `on_wait` where standard input has nothing to say for a while.
    """
    if on_wait is not None and not isinstance(source, Path) and _silent(source):
        on_wait()
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                content = file.read(room + 1)
        else:
            content = source.read(room + 1)
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror or error}") from None
    if len(content) > room:
        raise BadInput(f"{name}: {what} is larger than {MAX_BYTES // 1_000_000} MB", "give the part that matters")
    return content


def _text(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise BadInput(f"{name}: binary, not text", f"--image {name}" if media_type_of(content) else "")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = f"iconv -t UTF-8 {name}" if name != "standard input" else "iconv -t UTF-8 | llmesc ask"
        raise BadInput(f"{name}: not UTF-8 at byte {error.start}", hint) from None


def _argument(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # the locale is another one: what was typed may be UTF-8 all the same
        try:
            return os.fsencode(text).decode()
        except UnicodeError:
            raise BadInput("the prompt is not UTF-8") from None
    return text
