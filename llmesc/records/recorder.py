"""The recorder: writes a run's events to the state store, durably where it must be and in batches where it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from llmesc.escalation.events import (
    AttemptStarted,
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

FLUSH_SECONDS = 0.2
"""How old a token may get before other processes can see it; design asks for under a second."""
FLUSH_EVENTS = 512


class Recorder:
    """One for each run.

    An attempt's start is durable before `consume` returns, and so before its request leaves; with it goes everything before
    it, the end of the attempt before included. A tool call is durable before it runs, and so is its result. Tokens are written
    together.
    """

    def __init__(self, append: Callable[[Sequence[Event]], Awaitable[None]], clock: Clock) -> None:
        self._append = append
        self._clock = clock
        self._pending: list[Event] = []
        self._flushed_at = clock.monotonic()

    async def consume(self, event: Event) -> None:
        """Takes one event; see the class for what is durable when."""
        self._pending.append(event)
        match event:
            case AttemptStarted() | ToolCallRequested() | ToolCallFinished() | Waiting() | RunFinished():
                await self._flush()
            case TextDelta() | ThinkingDelta():
                old = self._clock.monotonic() - self._flushed_at >= FLUSH_SECONDS
                if old or len(self._pending) >= FLUSH_EVENTS:
                    await self._flush()
            case RunStarted():
                self._flushed_at = self._clock.monotonic()
            case _:
                pass

    async def _flush(self) -> None:
        pending, self._pending = self._pending, []
        await self._append(pending)
        self._flushed_at = self._clock.monotonic()
