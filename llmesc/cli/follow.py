"""Follows one run: its answer to standard output, its story to standard error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llmesc.cli.answer import AnswerSink
from llmesc.cli.interrupts import on_interrupt
from llmesc.cli.narrate import STATUS_SECONDS, Narrator
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    ProviderSwitched,
    RunFinished,
    RunOutcome,
    ToolCallRequested,
    Waiting,
)
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.run import Run
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.tell import switch_rule, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Where one run is shown."""

    answer: AnswerSink
    err: Narrator
    details: bool = False
    same_screen: bool = False
    """The answer comes piece by piece to the terminal that shows the story: a line of it that is open is ended before one of
    the story, and where it begins again or another goes on with it, a rule says so.
    """

    async def follow(self, run: Run) -> RunView:
        """Shows the run to its end; the run as it ended. The first Ctrl-C or SIGTERM cancels it, and its end still comes."""
        view = RunView()
        async with run, self._status_line():
            with on_interrupt(run.cancel):
                async for event in run:
                    view = fold(view, event)
                    await self._show(event, view)
        return view

    async def _show(self, event: Event, view: RunView) -> None:
        if self.answer.writes(event):
            self.err.no_status()
        await self.answer.show(event, view)
        if isinstance(event, RunFinished) and event.outcome is not RunOutcome.ANSWERED:
            self.err.speak()
        for line in tell(event, view):
            if self.details or not line.detail:
                self.err.say(self._rule(event) or line.text, line.style)
        match event:
            case AttemptStarted() | AttemptFinished():
                running = [words.who(attempt.resolution) for attempt in view.attempts if attempt.outcome is None]
                if running:
                    self.err.status(f"calling {' and '.join(running)}")
            case ToolCallRequested():
                self.err.status(f"tool {one_line(event.name)}")
            case Waiting():
                self.err.status(f"waiting for {words.who(event.resolution)}", event.until - event.at)
            case _:
                pass

    def _rule(self, event: Event) -> str | None:
        if self.same_screen and isinstance(event, ProviderSwitched) and (event.characters_discarded or event.characters_kept):
            return switch_rule(event, self.err.width)
        return None

    @asynccontextmanager
    async def _status_line(self) -> AsyncIterator[None]:
        async def draw() -> None:
            while True:
                await asyncio.sleep(STATUS_SECONDS)
                self.err.tick()

        drawing = asyncio.create_task(draw()) if self.err.is_terminal else None
        if self.same_screen:
            self.err.before_line = self.answer.end_line
        try:
            yield
        finally:
            self.err.no_status()
            if drawing is not None:
                drawing.cancel()
