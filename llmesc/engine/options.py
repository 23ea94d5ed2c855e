"""What a caller may set for one request, and what a caller gets back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import Answer, Chain, Move, RunOutcome, SkipReason
from llmesc.escalation.fold import RunView
from llmesc.escalation.foresight import Afterwards
from llmesc.escalation.hedging import HedgeAfter
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import AllOpen, GateMode, Limits, Resume, Timeouts
from llmesc.escalation.quality import Check
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp
from llmesc.escalation.tools import Toolbox
from llmesc.escalation.waiting import WaitOrEscalate


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOptions:
    """What one call may set; None takes the configuration's value."""

    chain: str | None = None
    model: str | None = None
    """A reference: pins the primary; the rest of the chain stays behind it."""
    tier: str | None = None
    """Only candidates of this tier and above."""
    max_attempts: int | None = None
    quality_threshold: int | None = None
    deadline_seconds: float | None = None
    max_cost: Decimal | None = None
    escalation: bool | None = None
    privacy: bool | None = None
    wait_or_escalate: WaitOrEscalate | None = None
    """What is done about a busy candidate while another could be called; see `llmesc.escalation.waiting`."""
    all_open: AllOpen | None = None
    """What follows when every circuit is open; see `Limits`."""
    resume: Resume | None = None
    """What follows a stream that broke in mid-answer; see `Limits`."""
    gate: GateMode | None = None
    """What a streaming reader gets before an answer is judged; see `Limits`."""
    hedge_after: HedgeAfter | None = None
    """How long a call may be silent before the next candidate is called beside it; see `llmesc.escalation.hedging`."""
    language: str | None = None
    """The tag (`de`, `pt-BR`) of the language that the answer is asked for in, and held to. Needs the extra `language`."""
    checks: tuple[Check, ...] = ()
    """The caller's own checks of an answer, after ours."""
    tools: Toolbox | Sequence[Callable[..., Any]] = ()
    """What the model may have run between its answers, instead of the request's own tools: typed functions, or a `Toolbox`."""
    capture: CaptureMode | None = None
    """How much of it the record keeps; a provider may say less. See `llmesc.escalation.capture`."""
    caller: str | None = None
    """The name of who asks, for the record: a service, a job."""
    conversation: str | None = None
    """An id of the caller's for what belongs together, for the record; as is the next."""
    correlation: str | None = None
    traceparent: str | None = None
    """The W3C trace that the request is part of; what is no traceparent is left out."""
    command: str = "library"
    """Who asks, for the record: `ask`, `dashboard`, `library`."""

    def over(self, limits: Limits) -> Limits:
        """`limits` with what this call sets."""
        mine: dict[str, Any] = {
            "max_attempts": self.max_attempts,
            "quality_threshold": self.quality_threshold,
            "deadline_seconds": self.deadline_seconds,
            "max_cost": self.max_cost,
            "escalation": self.escalation,
            "privacy": self.privacy,
            "wait_or_escalate": self.wait_or_escalate,
            "all_open": self.all_open,
            "resume": self.resume,
            "gate": self.gate,
            "hedge_after": self.hedge_after,
        }
        changes = {name: value for name, value in mine.items() if value is not None}
        return replace(limits, **changes) if changes else limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One candidate of a plan, as `chain show` and `--dry-run` list it."""

    resolution: Resolution
    move: Move
    circuit: Circuit
    circuit_state: str
    """`closed`, `open`, `half_open`; overrides and ended cooldowns counted."""
    skip: SkipReason | None
    """Why it would be skipped now; None: it would be called."""
    detail: str = ""
    retry_at: Timestamp | None = None
    afterwards: Afterwards | None = None
    """What would become of it though it is skipped at first: waited for, or tried all the same."""
    cost: Decimal | None = None
    """US dollars of the call, as estimated; None: not known."""
    timeouts: Timeouts | None = None
    """What it would be called with, the grace of the last candidate apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a request would do, without a call."""

    chain: Chain
    candidates: tuple[Planned, ...]
    estimated_tokens: int
    max_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An accepted answer, and how it came about."""

    text: str
    answer: Answer
    outcome: RunOutcome
    run_id: str
    view: RunView
