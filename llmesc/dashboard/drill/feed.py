"""A drill as a feed: the live feed of the drill's own engine, and what came of it when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from llmesc.dashboard.board import Board, StoreState
from llmesc.dashboard.live_feed import LiveFeed
from llmesc.engine.drills import OpenDrill, Rehearsal, Row, RowDrilled, judged
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.events import Event, TextDelta, ThinkingDelta
from llmesc.escalation.fold import RunView
from llmesc.escalation.times import Timestamp

MARK = "DRILL · simulated"

PACE_SECONDS = 0.1
"""Between two words of a good answer: as fast as people read along."""


class DrillFeed:
    """One row of the catalogue, played once while it runs. Nothing of it reaches the state of who watches."""

    def __init__(self, rehearsal: Rehearsal, row: Row, target: str, now: Callable[[], Timestamp]) -> None:
        """`target`: the reference of the candidate that the fault strikes."""
        self.title = f"{row.words} at {target}"
        self.over = asyncio.Event()
        """Set when there is a score, or a problem."""
        self.score: RowDrilled | None = None
        self.problem = ""
        """What kept the drill from being played."""
        self._rehearsal = rehearsal
        self._row = row
        self._target = target
        self._now = now
        self._live: LiveFeed | None = None
        self._changes = 0

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._changes + (self._live.version if self._live is not None else 0)

    def board(self, now: Timestamp) -> Board:
        """As of any engine, marked; without the money of the day, which nobody spends."""
        board = self._live.board(now) if self._live is not None else Board(now=now)
        state = "over · " if self.over.is_set() else ""
        return replace(board, store=StoreState(instead=f"{MARK} · {state}{self.title}"), today=None)

    def choose(self, run_id: str | None) -> None:
        """Its events are read from now on."""
        if self._live is not None:
            self._live.choose(run_id)

    async def events(self, run_id: str) -> Sequence[Event]:
        """All of a run."""
        return await self._live.events(run_id) if self._live is not None else ()

    async def run(self) -> None:
        """Plays, and stays for who looks at what came of it, until it is cancelled: then nothing of the drill is left."""
        async with self._rehearsal.open(self._row, self._target, pace_seconds=PACE_SECONDS) as opened:
            self._live = live = LiveFeed(opened.engine, self._now)
            async with asyncio.TaskGroup() as group:
                group.create_task(live.run())
                group.create_task(self._play(opened, live))

    async def _play(self, opened: OpenDrill, live: LiveFeed) -> None:
        async def on_event(event: Event, _: RunView) -> None:
            live.see(event)
            if not isinstance(event, TextDelta | ThinkingDelta):
                await live.look()  # a fault may come and go between two of the feed's own looks

        try:
            drilled = await opened.play(on_event)
        except LlmescError as error:
            self.problem = str(error)
        else:
            await live.look()
            self.score = judged(self._row, self._target, drilled)
        self.over.set()
        self._changes += 1
