"""The recorder: writes a run's events to the state store, durably where it must be and in batches where it may."""

from __future__ import annotations

from asyncio import Lock, Task, create_task, sleep
from collections.abc import Awaitable, Callable, Sequence

from llmesc.escalation.events import (
    AttemptStarted,
    CandidateSkipped,
    Event,
    RunFinished,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallFinished,
    ToolCallRequested,
    Waiting,
)
from llmesc.escalation.times import Clock

FLUSH_SECONDS = 0.1
"""How old a token may get before it is written: who follows on another host shows it 0.2 s after it came."""
FLUSH_EVENTS = 512


class Recorder:
    """One for each run.

    An attempt's start is durable before `consume` returns, and so before its request leaves; with it goes everything before
    it, the end of the attempt before included. A tool call is durable before it runs, and so is its result. Tokens are written
    together, also those after which none comes for a while.
    """

    def __init__(self, append: Callable[[Sequence[Event]], Awaitable[None]], clock: Clock) -> None:
        self._append = append
        self._clock = clock
        self._pending: list[Event] = []
        self._flushed_at = clock.monotonic()
        self._later: Task[None] | None = None
        self._writing = Lock()

    async def consume(self, event: Event) -> None:
        """Takes one event; see the class for what is durable when."""
        if self._later is not None and self._later.done():
            later, self._later = self._later, None
            later.result()  # what it could not write is not to be hidden
        self._pending.append(event)
        match event:
            case CandidateSkipped():
                pass  # of these there may be a thousand
            case AttemptStarted() | ToolCallRequested() | ToolCallFinished() | Waiting() | RunFinished():
                await self._flush()
            case TextDelta() | ThinkingDelta():
                if self._seconds_left() <= 0 or len(self._pending) >= FLUSH_EVENTS:
                    await self._flush()
                elif self._later is None:
                    self._later = create_task(self._flush_when_due())
            case RunStarted():
                self._flushed_at = self._clock.monotonic()
            case _:
                pass
        if isinstance(event, RunFinished) and self._later is not None:
            self._later.cancel()

    def _seconds_left(self) -> float:
        return FLUSH_SECONDS - (self._clock.monotonic() - self._flushed_at)

    async def _flush_when_due(self) -> None:
        """Until nothing is left, also of what came while something was written."""
        while self._pending:
            flushed_at = self._flushed_at
            await sleep(self._seconds_left())
            if self._flushed_at == flushed_at:  # else a token has come just then, and all was written with it
                await self._flush()

    async def _flush(self) -> None:
        async with self._writing:  # in order: nothing overtakes what is being written
            pending, self._pending = self._pending, []
            self._flushed_at = self._clock.monotonic()  # not when it is written: what comes meanwhile has its own time
            if pending:
                await self._append(pending)
