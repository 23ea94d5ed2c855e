"""The one typed stream of events: all that the core tells the world.

A closed union of frozen dataclasses, told apart by their literal `type`. Consumers match over it and end with
`assert_never`. `EVENT_TYPES` maps the names; `codec` writes and reads them as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from llmesc.escalation.circuits import Cause, CircuitState
from llmesc.escalation.failures import Failure
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.resolution import CircuitKey, ModelKey, Resolution
from llmesc.escalation.times import Timestamp

SCHEMA = 1
"""Version of the events as written outside the process; readers tolerate newer ones."""


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
    "no_credentials",
    "privacy",
    "below_tier",
    "same_instance",
    "same_endpoint",
    "same_model",
    "same_provider",
    "same_tier_window_unknown",
    "single_call",
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
class Totals:
    """Sums over the attempts of a run."""

    attempts: int
    skipped: int
    usage: Usage
    cost: Decimal | None
    """US dollars; None: not known for at least one attempt that reached a provider."""
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What every event carries. `seq` counts 0, 1, 2 … within a run without gaps."""

    run_id: str
    seq: int
    at: Timestamp
    elapsed_ms: float
    """Milliseconds since the run started, from a clock that never goes backwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Header):
    """First, exactly once."""

    request: Request
    chain: Chain
    limits: Limits
    caller: Mapping[str, str]
    """Who asked: `user`, `host`, `pid`, `command`."""
    type: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSkipped(Header):
    """A candidate was passed over; it is no attempt and uses none of `max_attempts`."""

    resolution: Resolution
    reason: SkipReason
    detail: str = ""
    retry_at: Timestamp | None = None
    type: Literal["candidate_skipped"] = "candidate_skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Header):
    """A request is about to leave; recorded durably before it does."""

    attempt: int
    """1, 2, 3 …"""
    attempt_id: str
    """Unique over all runs: `run_id.attempt`."""
    resolution: Resolution
    move: Move
    probe: bool = False
    """Whether it is the probe of a half-open circuit."""
    repairs: tuple[str, ...] = ()
    """What the candidate's wire changes in the request so that it can carry it, in words."""
    type: Literal["attempt_started"] = "attempt_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(Header):
    """Text of the answer, as it came."""

    attempt: int
    text: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingDelta(Header):
    """Reasoning, as it came."""

    attempt: int
    text: str
    type: Literal["thinking_delta"] = "thinking_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallRequested(Header):
    """The model wants a tool run."""

    attempt: int
    call_id: str
    name: str
    arguments: str
    type: Literal["tool_call_requested"] = "tool_call_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallFinished(Header):
    """A tool was run."""

    attempt: int
    call_id: str
    name: str
    result: str
    is_error: bool
    duration_seconds: float
    type: Literal["tool_call_finished"] = "tool_call_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFailed(Header):
    """A call failed; for every failure, whatever its kind."""

    attempt: int
    resolution: Resolution
    failure: Failure
    type: Literal["provider_failed"] = "provider_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityChecked(Header):
    """The verdict on a finished answer."""

    attempt: int
    score: int
    threshold: int
    passed: bool
    reasons: tuple[str, ...]
    """Which checks took what: `truncated -60: the answer stops at the token limit`."""
    type: Literal["quality_checked"] = "quality_checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished(Header):
    """An attempt ended; exactly one for each `attempt_started`."""

    attempt: int
    resolution: Resolution
    outcome: AttemptOutcome
    usage: Usage
    cost: Decimal | None
    cost_estimated: bool
    first_token_seconds: float | None
    duration_seconds: float
    characters: int
    finish_reason: str | None = None
    request_id: str | None = None
    type: Literal["attempt_finished"] = "attempt_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSwitched(Header):
    """The only place a switch is announced: between the end of one attempt and the start of the next."""

    from_resolution: Resolution
    to_resolution: Resolution
    move: Move
    because: str
    """A failure kind, or `quality`."""
    detail: str
    tier_upgrade: bool
    """From self-hosted to hosted: prompts leave the operator's machines and cost money."""
    characters_discarded: int
    characters_kept: int = 0
    type: Literal["provider_switched"] = "provider_switched"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReset(Header):
    """What was shown so far no longer counts."""

    attempt: int
    characters: int
    type: Literal["answer_reset"] = "answer_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Header):
    """Nothing can be called now; the run waits."""

    until: Timestamp
    resolution: Resolution
    because: str
    type: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitChanged(Header):
    """A circuit's state changed through this run."""

    key: CircuitKey
    before: CircuitState
    after: CircuitState
    cause: Cause
    retry_at: Timestamp | None
    type: Literal["circuit_changed"] = "circuit_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDenied(Header):
    """A failure of this run made routing avoid a model on an instance."""

    key: ModelKey
    until: Timestamp | None
    cause: Cause
    type: Literal["model_denied"] = "model_denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Header):
    """Last, exactly once, even on cancel."""

    outcome: RunOutcome
    answer: Answer | None
    """The accepted answer; for `below_bar` the best one; for `cancelled` what had arrived, or None."""
    totals: Totals
    cause: Failure | None = None
    """The most actionable failure, where the run did not end in an accepted answer."""
    retry_at: Timestamp | None = None
    """When the soonest candidate may be tried again."""
    type: Literal["run_finished"] = "run_finished"


Event = (
    RunStarted
    | CandidateSkipped
    | AttemptStarted
    | TextDelta
    | ThinkingDelta
    | ToolCallRequested
    | ToolCallFinished
    | ProviderFailed
    | QualityChecked
    | AttemptFinished
    | ProviderSwitched
    | AnswerReset
    | Waiting
    | CircuitChanged
    | ModelDenied
    | RunFinished
)

EVENT_TYPES: Mapping[str, type[Event]] = {
    str(cls.__dataclass_fields__["type"].default): cls
    for cls in (
        RunStarted,
        CandidateSkipped,
        AttemptStarted,
        TextDelta,
        ThinkingDelta,
        ToolCallRequested,
        ToolCallFinished,
        ProviderFailed,
        QualityChecked,
        AttemptFinished,
        ProviderSwitched,
        AnswerReset,
        Waiting,
        CircuitChanged,
        ModelDenied,
        RunFinished,
    )
}
