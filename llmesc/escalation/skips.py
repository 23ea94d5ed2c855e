"""The candidates of one run that were passed over: tells them, counts them, and knows when the soonest may be tried again."""

from __future__ import annotations

from llmesc.escalation.events import CandidateSkipped, SkipReason
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.run import EventStream
from llmesc.escalation.times import Clock, Timestamp


class Skips:
    """Of one run."""

    def __init__(self, stream: EventStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._retry_at: list[Timestamp] = []
        self.count = 0
        self.first: tuple[str, str] = ("", "")
        """Reason and detail of the first since the run began or `forget_first`, for the announcement of a switch."""

    async def tell(self, candidate: Resolution, reason: SkipReason, detail: str = "", retry_at: Timestamp | None = None) -> None:
        """It is passed over, and why."""
        self.count += 1
        if not self.first[0]:
            self.first = (reason, detail)
        await self._stream.emit(CandidateSkipped, resolution=candidate, reason=reason, detail=detail, retry_at=retry_at)

    def forget_first(self) -> None:
        """Whoever was passed over before has nothing to do with the next switch."""
        self.first = ("", "")

    def retry(self, at: Timestamp) -> None:
        """Somebody who cannot be called now may be tried again then."""
        self._retry_at.append(at)

    def soonest(self) -> Timestamp | None:
        """When the soonest may be tried again."""
        now = self._clock.now()
        return min((at for at in self._retry_at if at > now), default=None)
