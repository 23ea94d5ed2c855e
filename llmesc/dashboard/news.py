"""What wakes the readers of the live state: something was written, by whomever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from llmesc.engine import StateUnavailable

PAUSE_SECONDS = 0.05
"""After each piece of news: twenty looks a second show all that eyes can follow."""

ONE_WAIT_SECONDS = 10.0
"""Asked for again after that, so that a connection that died in silence is noticed."""

AWAY_SECONDS = 1.0
"""Until the next try, while the store does not answer."""


class News:
    """Counts what is new. A reader that was busy meanwhile misses nothing."""

    def __init__(self, ask: Callable[[str, float], Awaitable[str]]) -> None:
        """`ask` as `Store.news` has it."""
        self._ask = ask
        self._woken = asyncio.Event()
        self.count = 0

    async def run(self) -> None:
        """Listens until it is cancelled."""
        mark = ""
        while True:
            try:
                newer = await self._ask(mark, ONE_WAIT_SECONDS)
            except StateUnavailable:
                mark = ""
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if newer != mark:
                mark = newer
                self.count += 1
                self._woken.set()
                self._woken = asyncio.Event()
            await asyncio.sleep(PAUSE_SECONDS)

    async def wait(self, seen: int, seconds: float) -> None:
        """Until there is more than `seen`, or so long."""
        if self.count == seen:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
