"""Asks what the story asks, when it asks it, and afterwards a little now and then, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from llmesc.engine.demo import Asked, Story

QUIET_SECONDS = (4.0, 9.0)
"""Between two requests after the story: one can be read before the next one comes."""


class Director:
    """One performance. Nothing here reads a clock or draws a number itself."""

    def __init__(
        self,
        story: Story,
        ask: Callable[[Asked], object],
        *,
        passed_seconds: Callable[[], float],
        random: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`passed_seconds` since the beginning; `random` in [0, 1)."""
        self._story = story
        self._ask = ask
        self._passed_seconds = passed_seconds
        self._random = random
        self._sleep = sleep

    async def run(self) -> None:
        """Directs until it is cancelled."""
        for asked in self._story.requests:
            await self._sleep(max(asked.at_seconds - self._passed_seconds(), 0.0))
            self._ask(asked)
        quiet = self._story.quiet
        shortest, longest = QUIET_SECONDS
        while True:
            await self._sleep(shortest + (longest - shortest) * self._random())
            self._ask(quiet[int(self._random() * len(quiet))])
