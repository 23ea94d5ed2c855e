"""The pieces of one call, to be waited for in several goes: a pause in them can be noticed without ending the call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from llmesc.escalation.pieces import Piece


class Lookahead:
    """Wraps what `Provider.call` gave. The plain way is as quick as the iterator itself."""

    def __init__(self, pieces: AsyncIterator[Piece]) -> None:
        self._pieces = pieces
        self._coming: asyncio.Future[Piece] | None = None

    def next(self) -> Awaitable[Piece]:
        """The next piece. Awaited, it raises what the iterator raises, `StopAsyncIteration` too; cancelled, the call ends."""
        return anext(self._pieces) if self._coming is None else self._take(self._coming)

    async def _take(self, coming: asyncio.Future[Piece]) -> Piece:
        piece = await coming
        self._coming = None
        return piece

    def coming(self) -> asyncio.Future[Piece]:
        """Done when the next piece (or the end) is there; it still has to be taken with `next`."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._pieces))
        return self._coming

    @property
    def is_awaited(self) -> bool:
        """Whether the next piece was asked for with `coming`, and is not taken yet."""
        return self._coming is not None

    @property
    def is_there(self) -> bool:
        """Whether the next piece (or the end) is there, after `coming`."""
        return self._coming is not None and self._coming.done()

    @property
    def seen(self) -> Piece | None:
        """The next piece where it is there, untaken; None also where the call has ended."""
        coming = self._coming
        over = coming is None or not coming.done() or coming.cancelled() or coming.exception() is not None
        return None if over or coming is None else coming.result()

    async def comes_within(self, seconds: float) -> bool:
        """Whether the next piece (or the end) is there within so many seconds; it still has to be taken with `next`."""
        done, _ = await asyncio.wait({self.coming()}, timeout=seconds)
        return bool(done)

    async def aclose(self) -> None:
        """Drops the call. Raises nothing: it is over, and how the connection went is of no interest."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})
            self._coming.cancelled() or self._coming.exception()  # seen, so that nobody warns of it
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            with contextlib.suppress(Exception):
                await close()
