"""The three streams of a process, and what is known of the terminal behind them: the only place that asks."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO, TextIO

from llmesc.escalation.light_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Handed to `main`, so that a test can be a terminal or a pipe as it likes."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO
    stdin_is_terminal: bool = False
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    stdout_colour: bool = False
    stderr_colour: bool = False
    moves_cursor: bool = True
    """False on a dumb terminal: no line is ever drawn over."""
    width: int = 80

    @property
    def takes_a_screen(self) -> bool:
        """Whether the dashboard can be drawn: Textual reads standard input, and draws all over standard error."""
        return self.stdin_is_terminal and self.stderr_is_terminal and self.moves_cursor

    def without_colour(self) -> Streams:
        """As `--no-color` wants it."""
        return replace(self, stdout_colour=False, stderr_colour=False)

    @classmethod
    def of_process(cls, environ: Mapping[str, str]) -> Streams:
        """What this process has. Its text is UTF-8 whatever the locale says, so that output never depends on it."""
        stdout, stderr = _utf8(sys.stdout), _utf8(sys.stderr)
        dumb = environ.get("TERM") == "dumb"
        colourful = not dumb and not environ.get("NO_COLOR")
        return cls(
            stdin=sys.stdin.buffer if sys.stdin else io.BytesIO(),
            stdout=stdout,
            stderr=stderr,
            stdin_is_terminal=bool(sys.stdin) and sys.stdin.isatty(),
            stdout_is_terminal=stdout.isatty(),
            stderr_is_terminal=stderr.isatty(),
            stdout_colour=colourful and stdout.isatty(),
            stderr_colour=colourful and stderr.isatty(),
            moves_cursor=not dumb,
            width=shutil.get_terminal_size().columns,
        )


def to_nowhere(stream: TextIO) -> None:
    """What is still buffered, and all that follows, is thrown away: the interpreter's last flush finds nothing to complain of."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _utf8(stream: TextIO | None) -> TextIO:
    if stream is None:  # the file descriptor was closed by whoever started us
        return io.TextIOWrapper(io.BytesIO())
    if isinstance(stream, io.TextIOWrapper):
        # A lone surrogate in a model's text becomes its \\u escape, which is also how JSON writes it.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return stream
