"""The money for the judge of one answer: what the run's cap and the budgets leave for it, and what it took.

A judge's call is money like any other: the most that it can cost is reserved before it is made, and settled with the record of
the verdict. In the books of the state it stands under the attempt's number below zero, beside the attempt's own.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from llmesc.escalation.budget import LEASE_GRACE_SECONDS, Over, Reservation
from llmesc.escalation.event_words import JudgeCall
from llmesc.escalation.purse import Purse
from llmesc.escalation.resolution import Resolution


class JudgePurse:
    """Of one answer."""

    def __init__(self, budgets: Purse, run_id: str, attempt: int, left_dollars: Decimal | None) -> None:
        """`left_dollars`: of the run's cap; None: it has none."""
        self.budgets = budgets
        self.left_dollars = left_dollars
        self.calls: list[JudgeCall] = []
        """What was paid for so far."""
        self._run_id = run_id
        self._attempt = attempt
        self._reserved: Reservation | None = None

    async def reserve(self, judge: Resolution, most: Decimal | None, seconds: float) -> Over | None:
        """Reserves what a call of at most `seconds` may cost at most (None: no price is known); the budget that it could pass."""
        if not self.budgets.holds:
            return None
        answer = await self.budgets.reserve(
            judge,
            most,
            run_id=self._run_id,
            attempt=held_under(self._attempt),
            lease_seconds=seconds + LEASE_GRACE_SECONDS,
        )
        if isinstance(answer, Over):
            return answer
        self._reserved = answer
        return None

    def paid(self, call: JudgeCall) -> None:
        """A call has ended, whatever came of it."""
        self.calls.append(replace(call, reserved=self._reserved))


def held_under(attempt: int) -> int:
    """The number under which stores hold the money of the judge of that attempt."""
    return -attempt
