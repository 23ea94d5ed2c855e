"""What a run's events mean for budgets: the same for every store.

The money of a call is held when its start is recorded, unless its reservation already stands there (mostly it does; not where the
store was away then, and the record lay spooled), and settled in the transaction that records its end.
"""

from __future__ import annotations

from decimal import Decimal

from llmesc.escalation.budget import Reservation
from llmesc.escalation.events import AttemptFinished, AttemptPriced, AttemptStarted, Event, RunFinished
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


def settling(event: Event) -> Settling | None:
    """What it changes; None: nothing."""
    match event:
        case AttemptStarted(reserved=Reservation() as reservation):
            return Hold(event.attempt, reservation)
        case AttemptFinished(cost=None):
            return Keep(event.attempt)
        case AttemptFinished(cost=Decimal() as cost) | AttemptPriced(cost=cost):
            return Settle(event.attempt, cost)
        case RunFinished():
            return SettleRest()
        case _:
            return None
