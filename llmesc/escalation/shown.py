"""What the reader of a stream has of the answer, and whether it stays for the next to go on from when an attempt breaks off."""

from __future__ import annotations

from llmesc.escalation.attempt import Attempt, Ending
from llmesc.escalation.continuation import Kept, may_go_on
from llmesc.escalation.events import AnswerReset
from llmesc.escalation.failures import Failure
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request
from llmesc.escalation.run import EventStream


class Shown:
    """Of one run."""

    def __init__(self, stream: EventStream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._last: Attempt | None = None
        """The attempt whose text the reader has, with what it went on from, and that still counts."""
        self.kept = Kept()
        """What the next attempt goes on from; empty: it begins anew."""

    @property
    def characters(self) -> int:
        """All that the reader has."""
        return 0 if self._last is None else len(self._last.kept.text) + len(self._last.own_shown)

    def is_by(self, number: int) -> bool:
        """Whether what the reader has is the answer of attempt `number`, or its beginning; also where he has nothing."""
        return self._last is None or self._last.number == number

    def begins(self, attempt: Attempt) -> None:
        """What is shown from now on is by `attempt`, behind what it goes on from."""
        self._last = attempt

    def broke_off(self, attempt: Attempt, ending: Ending, request: Request) -> None:
        """The attempt ended without an answer: decides what of its text stays."""
        if self._limits.resume == "restart":
            self.kept = Kept()
        elif not attempt.own_shown:
            self.kept = attempt.kept  # as good as before: nobody saw what came to nothing
        elif isinstance(ending, Failure) and may_go_on(ending, request, called_tools=attempt.called_tools):
            verdict = attempt.gate.verdict(attempt.text)
            sound = verdict.passes(self._limits.quality_threshold)
            self.kept = attempt.kept.with_more(attempt.number, attempt.own_shown) if sound else Kept()
        else:
            self.kept = Kept()

    def forget(self) -> None:
        """Nothing of what is shown may be gone on from."""
        self.kept = Kept()

    async def discard(self) -> None:
        """What is shown no longer counts, and the reader is told, where he has anything."""
        if self._last is not None and self.characters:
            await self._stream.emit(AnswerReset, attempt=self._last.number, characters=self.characters)
        self._last = None
        self.kept = Kept()
