"""What events speak of: moves, outcomes, reasons, the chain and the answer. Import all names from `events`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from llmesc.escalation.budget import Reservation
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Usage
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp


class Move(StrEnum):
    """How a candidate relates to the primary."""

    PRIMARY = "primary"
    LATERAL = "lateral"
    ESCALATION = "escalation"


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    QUALITY_FAILURE = "quality_failure"
    AUTH_ERROR = "auth_error"
    CONTEXT_OVERFLOW = "context_overflow"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"
    CANCELLED = "cancelled"


class RunOutcome(StrEnum):
    """How a run ended."""

    ANSWERED = "answered"
    BELOW_BAR = "below_bar"
    EXHAUSTED = "exhausted"
    NOTHING_CALLABLE = "nothing_callable"
    DEADLINE = "deadline"
    POLICY = "policy"
    CANCELLED = "cancelled"


SkipReason = Literal[
    "circuit_open",
    "forced_open",
    "probe_elsewhere",
    "denied",
    "not_allowed",
    "context_too_small",
    "missing_capability",
    "unconfirmed_capability",
    "over_budget",
    "no_price",
    "no_time",
    "retry_budget",
    "no_credentials",
    "privacy",
    "below_tier",
    "same_instance",
    "same_endpoint",
    "same_model",
    "same_provider",
    "same_tier_window_unknown",
    "single_call",
    "max_attempts",
    "unsupported",
]
"""Why a candidate was not called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A candidate that the chain for this request left out, and why."""

    resolution: Resolution
    reason: SkipReason
    detail: str = ""
    retry_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The ordered candidates of a request, and the rejected ones with their reasons."""

    name: str
    candidates: tuple[Resolution, ...]
    rejected: tuple[Rejected, ...] = ()

    @property
    def primary(self) -> Resolution | None:
        """The first candidate; moves are told relative to it."""
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRange:
    """Characters `start` to `end` of the final answer were written by attempt `attempt`."""

    attempt: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the user finally has."""

    text: str
    attempt: int
    """The attempt that completed it."""
    resolution: Resolution
    ranges: tuple[AnswerRange, ...]
    score: int | None = None
    finish_reason: str = "stop"
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    """Calls the model asked for and nobody ran: `{"call_id", "name", "arguments"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCall:
    """What it took to have another model judge an answer. It is no attempt: it stands apart from what those used."""

    resolution: Resolution
    usage: Usage
    """Estimated where the judge did not say, or was not waited for; none where it failed before anything came."""
    cost: Decimal | None
    """US dollars; None: not known."""
    duration_seconds: float
    reserved: Reservation | None = None
    """Of spending budgets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTotals:
    """Sums over the calls of models that judged the answers of a run."""

    calls: int
    usage: Usage
    cost: Decimal | None
    """US dollars; None: not known for at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the attempts of a run."""

    attempts: int
    skipped: int
    usage: Usage
    cost: Decimal | None
    """US dollars; None: not known for at least one attempt that reached a provider."""
    duration_seconds: float
    judge: JudgeTotals | None = None
    """What models used that judged answers; none of it is in the sums above. None: nobody was asked."""

    @property
    def billed_cost(self) -> Decimal | None:
        """US dollars that providers will ask for: attempts and judges. None: not known of at least one."""
        if self.judge is None or self.cost is None:
            return self.cost
        return None if self.judge.cost is None else self.cost + self.judge.cost
