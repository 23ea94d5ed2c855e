"""The demonstration in virtual time: its minute takes no minute, and is the same each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from llmesc.dashboard.board import Board
from llmesc.dashboard.demo.feed import DemoFeed
from llmesc.engine import Engine, RunFilter
from llmesc.engine.demo import Story, open_demo, the_story
from llmesc.escalation.events import Event
from tests.escalation.world import LoopClock, VirtualLoop, run_virtually

T = TypeVar("T")

BEGAN = 1_790_006_593.0
"""2026-09-21 16:03:13 UTC."""


@dataclass
class Performance:
    """A demonstration that goes on."""

    engine: Engine
    feed: DemoFeed
    clock: LoopClock
    began: float

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.clock.monotonic() - self.began

    async def until(self, seconds: float) -> Board:
        """Lets time pass up to so many seconds after the beginning; what is on the screen then."""
        await asyncio.sleep(max(seconds - self.seconds, 0.0))
        return self.board

    @property
    def board(self) -> Board:
        """What is on the screen now."""
        return self.feed.board(self.clock.now())

    async def events(self) -> Sequence[Event]:
        """Of all requests so far, in the order of their times."""
        runs = await self.engine.operations.history(RunFilter(limit=1_000))
        events = [event for run in reversed(runs) for event in await self.engine.operations.run_events(run.run_id)]
        return sorted(events, key=lambda event: event.at)


@asynccontextmanager
async def performing(loop: VirtualLoop, story: Story, seed: int) -> AsyncIterator[Performance]:
    """A demonstration that begins now."""
    clock = LoopClock(loop, epoch=BEGAN - loop.time())
    ids = Random(seed)
    async with open_demo(story, clock=clock, new_run_id=lambda: f"{ids.getrandbits(48):012x}") as engine:
        began = loop.time()
        feed = DemoFeed(engine, clock.now, story=story, passed_seconds=lambda: loop.time() - began, random=Random(seed).random)
        task = asyncio.create_task(feed.run())
        try:
            yield Performance(engine, feed, clock, began)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def perform(act: Callable[[Performance], Awaitable[T]], *, seed: int = 7) -> T:
    """Has the demonstration performed, and `act` beside it; what that gives."""

    async def main(loop: VirtualLoop) -> Any:
        async with performing(loop, the_story(), seed) as performance:
            return await act(performance)

    return run_virtually(main)
