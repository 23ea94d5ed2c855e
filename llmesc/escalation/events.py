"""The one typed stream of events: all that the core tells the world.

A closed union of frozen dataclasses, told apart by their literal `type`. Consumers match over it and end with
`assert_never`. `EVENT_TYPES` maps the names; `codec` writes and reads them as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from llmesc.escalation.budget import Reservation
from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.circuits import Cause, CircuitState
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.event_words import (
    Answer,
    AnswerRange,
    AttemptOutcome,
    Chain,
    JudgeCall,
    JudgeTotals,
    Move,
    Rejected,
    RunOutcome,
    SkipReason,
    Totals,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.resolution import CircuitKey, ModelKey, Price, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.escalation.waiting import Choice

__all__ = [
    "EVENT_TYPES",
    "SCHEMA",
    "Answer",
    "AnswerRange",
    "AnswerReset",
    "AttemptFinished",
    "AttemptOutcome",
    "AttemptPriced",
    "AttemptStarted",
    "CandidateSkipped",
    "Chain",
    "CircuitChanged",
    "Event",
    "GateOpened",
    "Header",
    "JudgeCall",
    "JudgeTotals",
    "ModelDenied",
    "Move",
    "ProviderFailed",
    "ProviderSwitched",
    "QualityChecked",
    "Rejected",
    "RunFinished",
    "RunOutcome",
    "RunStarted",
    "SkipReason",
    "TextDelta",
    "ThinkingDelta",
    "ToolCallFinished",
    "ToolCallRequested",
    "Totals",
    "Waiting",
]

SCHEMA = 1
"""Version of the events as written outside the process; readers tolerate newer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What every event carries. `seq` counts 0, 1, 2 … within a run without gaps."""

    run_id: str
    seq: int
    at: Timestamp
    elapsed_ms: float
    """Milliseconds since the run started, from a clock that never goes backwards."""
    sealed: str | None = None
    """In the record of an encrypted run: the fields of which only digests stand here, for whoever has the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Header):
    """First, exactly once."""

    request: Request
    chain: Chain
    limits: Limits
    caller: Mapping[str, str]
    """Who asked: `user`, `host`, `pid`, `command`; where given, `name`, `conversation`, `correlation`, `traceparent`."""
    capture: CaptureMode = "full"
    """How much of the request this is; live it is always all."""
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
    continues_characters: int = 0
    """It goes on from so many characters that other attempts wrote and that stay shown; 0: it begins anew."""
    allowance: Allowance | None = None
    """The time and the money it may take."""
    against_circuit: bool = False
    """Every circuit is open, and this one is tried all the same."""
    hedges: int | None = None
    """The attempt beside which it is called, because that one is silent: the first to bring content has the turn."""
    reserved: Reservation | None = None
    """What it may cost at most, and where that counts, in the store since before this was told; None: no budget holds it."""
    capture: CaptureMode = "full"
    """How much of what it says this run's events hold."""
    type: Literal["attempt_started"] = "attempt_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(Header):
    """Text of the answer, as it came; what an attempt only repeats of the text it goes on from is left out."""

    attempt: int
    text: str
    held: bool = False
    """On record, but not shown until a `gate_opened` of the attempt says so: no reader may take it for the answer."""
    characters_not_kept: int = 0
    """So many came, and none is kept."""
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened(Header):
    """What was held of an attempt is shown from now on. Text that is never shown has no such event."""

    attempt: int
    characters: int
    """All that were held."""
    type: Literal["gate_opened"] = "gate_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingDelta(Header):
    """Reasoning, as it came."""

    attempt: int
    text: str
    characters_not_kept: int = 0
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
    judge: JudgeCall | None = None
    """What another model's judgement took, where one was called."""
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
    repeated_characters: int = 0
    """Of the text it went on from: they came a second time, and were dropped."""
    lost_to: int | None = None
    """The attempt that was first where two ran: this one was cancelled for it, and is blamed for nothing."""
    kind: FailureKind | None = None
    """Of its failure, which `provider_failed` has told in full; None where it did not fail, or an older llmesc wrote this."""
    unfinished_judge: JudgeCall | None = None
    """What another model's judgement took for which there was no time any more, so that no `quality_checked` tells it."""
    type: Literal["attempt_finished"] = "attempt_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPriced(Header):
    """What an attempt cost whose `attempt_finished` did not know it: its price was looked up after the answer was out, so that
    nobody waits for a price list. Where the offering had a price all along there is no such event.
    """

    attempt: int
    cost: Decimal
    """US dollars."""
    price: Price
    """What it was reckoned with, and where that is from."""
    type: Literal["attempt_priced"] = "attempt_priced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSwitched(Header):
    """The only place a switch is announced: between the end of one attempt and the start of the next, or, where that one already
    runs as its hedge, before anything of it is shown.
    """

    from_resolution: Resolution
    to_resolution: Resolution
    move: Move
    because: str
    """A failure kind, a reason to skip, `quality`, or `hedge`: nobody failed, and the hedge was first."""
    detail: str
    tier_upgrade: bool
    """From self-hosted to hosted: prompts leave the operator's machines and cost money."""
    characters_discarded: int
    characters_kept: int = 0
    cost: Decimal | None = None
    """What the call is estimated to cost, where `instead_of` says that there was a choice."""
    instead_of: Choice | None = None
    """Who could have been waited for."""
    type: Literal["provider_switched"] = "provider_switched"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReset(Header):
    """What was shown so far no longer counts: the text of this attempt and of those it went on from."""

    attempt: int
    characters: int
    """All that were shown; what was held and never seen is not among them."""
    type: Literal["answer_reset"] = "answer_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Header):
    """Nothing can be called now, or nothing that is worth it; the run waits."""

    until: Timestamp
    """At the latest: a probe that another process makes may end sooner."""
    resolution: Resolution
    because: str
    """`rate_limit`, or `probe_elsewhere`."""
    cost: Decimal | None = None
    """What the call is estimated to cost."""
    instead_of: Choice | None = None
    """Who could be called at once."""
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
    | GateOpened
    | ThinkingDelta
    | ToolCallRequested
    | ToolCallFinished
    | ProviderFailed
    | QualityChecked
    | AttemptFinished
    | AttemptPriced
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
        GateOpened,
        ThinkingDelta,
        ToolCallRequested,
        ToolCallFinished,
        ProviderFailed,
        QualityChecked,
        AttemptFinished,
        AttemptPriced,
        ProviderSwitched,
        AnswerReset,
        Waiting,
        CircuitChanged,
        ModelDenied,
        RunFinished,
    )
}
