"""`fold(view, event)`: the one view model that text, JSON and dashboard render; replay feeds it from the store."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from llmesc.escalation.events import (
    Answer,
    AttemptOutcome,
    CandidateSkipped,
    Chain,
    CircuitChanged,
    Event,
    Limits,
    ModelDenied,
    Move,
    ProviderSwitched,
    QualityChecked,
    RunOutcome,
    ToolCallFinished,
    ToolCallRequested,
    Totals,
    Waiting,
)
from llmesc.escalation.failures import Failure
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One attempt so far."""

    attempt: int
    resolution: Resolution
    move: Move
    probe: bool
    started_at: Timestamp
    started_ms: float
    """Since the run's start."""
    text: tuple[str, ...] = ()
    """In pieces, as it came; joined by `shown`."""
    thinking: tuple[str, ...] = ()
    characters: int = 0
    outcome: AttemptOutcome | None = None
    """None: still running."""
    failure: Failure | None = None
    quality: QualityChecked | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    cost_estimated: bool = False
    first_token_seconds: float | None = None
    duration_seconds: float | None = None
    finish_reason: str | None = None
    discarded: bool = False
    """Its text no longer counts."""
    tools: tuple[ToolCallRequested | ToolCallFinished, ...] = ()

    @property
    def shown(self) -> str:
        """Its text so far."""
        return "".join(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run so far."""

    run_id: str = ""
    started_at: Timestamp | None = None
    at: Timestamp | None = None
    """Of the last event."""
    elapsed_ms: float = 0.0
    request: Request | None = None
    chain: Chain | None = None
    limits: Limits | None = None
    attempts: tuple[AttemptView, ...] = ()
    skipped: tuple[CandidateSkipped, ...] = ()
    switches: tuple[ProviderSwitched, ...] = ()
    circuits: tuple[CircuitChanged, ...] = ()
    denied: tuple[ModelDenied, ...] = ()
    waiting: Waiting | None = None
    """Set while it waits."""
    outcome: RunOutcome | None = None
    """None: still running."""
    answer: Answer | None = None
    totals: Totals | None = None
    cause: Failure | None = None
    retry_at: Timestamp | None = None
    events: int = 0


def fold(view: RunView, event: Event) -> RunView:
    """The view after `event`. Pure; `view` is not changed."""
    raise NotImplementedError
