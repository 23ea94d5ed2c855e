"""Standard output: its only writer. The answer, JSON, tables."""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmesc.cli.streams import Streams, to_nowhere

if TYPE_CHECKING:
    from llmesc.story.table import Column, Row

_ALWAYS_FITS = 1000
"""Characters that a pipe takes without waiting when it says that it is writable: at most 4,096 bytes, its atomic unit."""


class ReaderGone(Exception):
    """Whoever read standard output has left; nobody waits for the rest."""


class CannotWrite(Exception):
    """Standard output takes no more: a full disk, mostly."""


class Output:
    """Standard output of one command. Every write is flushed, so that the order against stderr is the order of events."""

    def __init__(self, streams: Streams) -> None:
        self._stream = streams.stdout
        self._width = streams.width
        self.is_terminal = streams.stdout_is_terminal
        self.colour = streams.stdout_colour

    def write(self, text: str) -> None:
        """Writes `text` as it is. Raises `ReaderGone` and `CannotWrite`."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            to_nowhere(self._stream)
            raise ReaderGone from None
        except OSError as error:
            to_nowhere(self._stream)
            raise CannotWrite(f"standard output: {error.strerror or error}") from error

    async def put(self, text: str) -> None:
        """As `write`, but a reader that does not read holds up only the caller: the event loop goes on, and with it every
        timer that tells a silent provider from a slow terminal.
        """
        if len(text) <= _ALWAYS_FITS and self._takes_more():
            self.write(text)
        else:
            import asyncio

            await asyncio.to_thread(self.write, text)

    def line(self, text: str = "") -> None:
        """Writes `text` and a newline."""
        self.write(f"{text}\n")

    def json(self, value: Any) -> None:
        """One JSON value: indented for eyes on a terminal, else on one line."""
        self.line(self.json_text(value, indent=2 if self.is_terminal else None))

    def json_text(self, value: Any, indent: int | None = None) -> str:
        """The JSON of `value`. A terminal gets ASCII only, which cannot steer it."""
        import json

        return json.dumps(value, ensure_ascii=self.is_terminal, indent=indent)

    def table(self, columns: Sequence[Column], rows: Sequence[Row], *, cut_last: bool = False) -> None:
        """Aligned with a header on a terminal, where a last column that is too wide goes on below itself, or is cut on request;
        tab-separated, whole and without a header off it.
        """
        from llmesc.story.table import aligned, tab_separated

        if self.is_terminal:
            self.write(aligned(columns, rows, colour=self.colour, width=self._width, wraps=not cut_last))
        else:
            self.write(tab_separated(rows))

    def _takes_more(self) -> bool:
        try:
            return bool(select.select([], [self._stream.fileno()], [], 0)[1])
        except (OSError, ValueError):  # no file behind it, or a system where only sockets can be asked
            return True
