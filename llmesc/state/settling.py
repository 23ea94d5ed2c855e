"""What a run's events mean for budgets: the same for every store.

The money of a call is held when its start is recorded, unless its reservation already stands there (mostly it does; not where the
store was away then, and the record lay spooled), and settled in the transaction that records its end. That of a judge is held
from its reservation on, and settled with its verdict, or with the end of the attempt that nobody waited to have judged.
"""

from __future__ import annotations

from decimal import Decimal

from llmesc.escalation.budget import Reservation
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptPriced,
    AttemptStarted,
    Event,
    JudgeCall,
    QualityChecked,
    RunFinished,
)
from llmesc.escalation.judge_purse import held_under
from llmesc.escalation.light_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Hold:
    """It is reserved, whatever that does to the budget: the call is made."""

    attempt: int
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Settle:
    """The call has ended, and its cost is known."""

    attempt: int
    dollars: Decimal


@dataclass(frozen=True, slots=True)
class Keep:
    """The call has ended, and its cost is not known yet: it counts as reserved, and does not lapse."""

    attempt: int


@dataclass(frozen=True, slots=True)
class SettleRest:
    """The run has ended: what is still held counts as it was reserved."""


Settling = Hold | Settle | Keep | SettleRest


def settling(event: Event) -> tuple[Settling, ...]:
    """What it changes, in order."""
    match event:
        case AttemptStarted(reserved=Reservation() as reservation):
            return (Hold(event.attempt, reservation),)
        case QualityChecked(judge=JudgeCall() as judge):
            return _judged(event.attempt, judge)
        case AttemptFinished(unfinished_judge=None):
            return (_ended(event.attempt, event.cost),)
        case AttemptFinished(unfinished_judge=JudgeCall() as judge):
            return (_ended(event.attempt, event.cost), *_judged(event.attempt, judge))
        case AttemptPriced():
            return (Settle(event.attempt, event.cost),)
        case RunFinished():
            return (SettleRest(),)
        case _:
            return ()


def _judged(attempt: int, call: JudgeCall) -> tuple[Settling, ...]:
    if call.reserved is None:
        return ()
    number = held_under(attempt)
    return Hold(number, call.reserved), _ended(number, call.cost)


def _ended(attempt: int, cost: Decimal | None) -> Settling:
    return Keep(attempt) if cost is None else Settle(attempt, cost)
