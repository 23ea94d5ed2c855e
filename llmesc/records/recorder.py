"""The recorder: writes a run's events to the state store, durably where it must be and in batches where it may."""

from __future__ import annotations

from asyncio import Lock, Task, TimerHandle, create_task, get_running_loop
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
        self._due: TimerHandle | None = None
        self._later: Task[None] | None = None
        """Writes what was due."""
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
            case AttemptStarted() | ToolCallRequested() | ToolCallFinished() | Waiting():
                await self._flush()
            case TextDelta() | ThinkingDelta():
                if self._seconds_left() <= 0 or len(self._pending) >= FLUSH_EVENTS:
                    await self._flush()
                elif self._due is None and self._later is None:
                    self._arm()
            case RunStarted():
                self._flushed_at = self._clock.monotonic()
            case RunFinished():
                await self._finish()
            case _:
                pass

    def _seconds_left(self) -> float:
        return FLUSH_SECONDS - (self._clock.monotonic() - self._flushed_at)

    def _arm(self) -> None:
        """What is pending is written in time, whether more comes or not. A timer, for most runs end before it."""
        self._due = get_running_loop().call_later(self._seconds_left(), self._write_when_due, self._flushed_at)

    def _write_when_due(self, flushed_at: float) -> None:
        self._due = None
        if self._pending and flushed_at == self._flushed_at:
            self._later = create_task(self._write_late())
        elif self._pending:  # a token came just when all was due, and all was written with it; these came since
            self._arm()

    async def _write_late(self) -> None:
        await self._flush()
        if self._pending:  # came while that was written
            self._arm()

    async def _finish(self) -> None:
        if self._due is not None:
            self._due.cancel()
        await self._flush()
        if self._later is not None:
            await self._later  # it has nothing left to do

    async def _flush(self) -> None:
        async with self._writing:  # in order: nothing overtakes what is being written
            pending, self._pending = self._pending, []
            self._flushed_at = self._clock.monotonic()  # not when it is written: what comes meanwhile has its own time
            if pending:
                await self._append(pending)
