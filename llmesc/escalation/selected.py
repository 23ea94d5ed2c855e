"""A candidate that may be called now, and what makes it one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from llmesc.escalation.budget import Reservation
from llmesc.escalation.circuits import Admission
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.pieces import Provider
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.waiting import Choice

OpenProvider = Callable[[Resolution], Awaitable[Provider]]
"""The wire of a candidate, credentials ready. Raises `CredentialsMissing`."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A candidate that may be called now, everything settled but the call itself."""

    resolution: Resolution
    admission: Admission
    provider: Provider
    repairs: tuple[str, ...]
    """What its wire changes in the request, in words."""
    allowance: Allowance
    timeouts: Timeouts
    is_last: bool = False
    """Nobody may be called after it, as far as is known."""
    against_circuit: bool = False
    """It is tried although its circuit, like all others, is open."""
    hedge_after_seconds: float | None = None
    """It is hedged when it was silent for so long since it had the turn; None: never."""
    cost: Decimal | None = None
    """Of the call, as estimated."""
    instead_of: Choice | None = None
    """Who could have been waited for."""
    reserved: Reservation | None = None
    """Its money, where budgets hold it."""
