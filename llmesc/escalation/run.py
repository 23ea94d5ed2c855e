"""The handle on one run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType

from llmesc.escalation.events import Event, RunFinished


class Run:
    """`async with engine.start(request) as run: async for event in run: ...`

    The run begins on entering and is cancelled, at once and on record, on leaving. Every event reaches the recording consumers
    before it reaches the reader.
    """

    run_id: str

    async def __aenter__(self) -> Run:
        raise NotImplementedError

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[Event]:
        raise NotImplementedError

    def cancel(self) -> None:
        """Ends the run now; the last event still comes."""
        raise NotImplementedError

    async def finished(self) -> RunFinished:
        """Runs to the end, whoever reads or not, and gives the last event."""
        raise NotImplementedError
