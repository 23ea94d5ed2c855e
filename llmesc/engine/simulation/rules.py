"""What one past run is played by, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Literal, NamedTuple

from llmesc.engine.simulation.outcomes import Source
from llmesc.escalation.events import Chain, SkipReason
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.resolution import ModelKey, Price

PlayedOutcome = Literal["answered", "below_bar", "exhausted", "nothing_callable", "deadline", "policy", "unknown"]
"""A `RunOutcome`; or that it came to somebody whom nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Of one run under one policy."""

    chain: Chain
    limits: Limits
    timeouts: Mapping[ModelKey, Timeouts]
    """By candidate; one that is missing has the usual ones."""
    timeouts_differ: frozenset[ModelKey] = frozenset()
    """Candidates whose calls are held to other limits than when they were recorded."""
    prices: Mapping[ModelKey, Price | None] = field(default_factory=dict)
    """By candidate; of one that is missing its offering says it."""
    repriced: frozenset[ModelKey] = frozenset()
    """Candidates that cost something else than when they were recorded."""
    facts: Mapping[ModelKey, SkipReason]
    """Whom no policy could have called in that run, as its record says: no key, a wire that cannot carry it, an operator's
    word.
    """


class PlayedCall(NamedTuple):
    """A call that a run made."""

    key: ModelKey
    source: Source
    cost: Decimal | None
    calls: int
    """Requests: with the rounds of tools that followed."""


class Played(NamedTuple):
    """What came of a run."""

    outcome: PlayedOutcome
    answered_by: ModelKey | None
    """Whose answer there is: the accepted one, or the best of those below the bar."""
    seconds: float
    calls: tuple[PlayedCall, ...]
    unknown: ModelKey | None = None
    """Whom nobody knows."""

    @property
    def cost(self) -> Decimal | None:
        """US dollars; None: of one of its calls it is not known."""
        total = Decimal(0)
        for call in self.calls:
            if call.cost is None:
                return None
            total += call.cost
        return total
