"""The live feed of the demonstration's engine, with the director at work and its captions on every board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from llmesc.dashboard.board import Board
from llmesc.dashboard.demo.captions import caption
from llmesc.dashboard.demo.director import Director
from llmesc.dashboard.live_feed import LiveFeed
from llmesc.engine import AskOptions, Engine
from llmesc.engine.demo import Asked, Story
from llmesc.escalation.messages import ask_for
from llmesc.escalation.times import Timestamp

MARK = "DEMO · nothing is called"


class DemoFeed(LiveFeed):
    """As live as any other; only who asks is made up, and who answers."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], Timestamp],
        *,
        story: Story,
        passed_seconds: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """`passed_seconds` since the engine was opened; `random` in [0, 1)."""
        super().__init__(engine, now)
        self._story = story
        self._passed_seconds = passed_seconds
        self._director = Director(story, self._ask, passed_seconds=passed_seconds, random=random)

    def board(self, now: Timestamp) -> Board:
        """What is known, and what to see in it."""
        board = super().board(now)
        words = caption(self._story, self._passed_seconds(), board.circuits)
        return replace(board, store=replace(board.store, instead=MARK), caption=words)

    async def run(self) -> None:
        """Reads and directs until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run())
            group.create_task(self._director.run())

    def _ask(self, asked: Asked) -> None:
        self.start(ask_for(asked.prompt), AskOptions(chain=asked.chain, command="demo", caller="somebody"), _unanswerable)


def _unanswerable(_: Exception) -> None:
    """The user denied all who could answer: the list of requests shows it."""
