"""`fold(view, event)`: the one view model that text, JSON and dashboard render; replay feeds it from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any, Literal, TypeVar, assert_never

from llmesc.escalation.budget import Reservation
from llmesc.escalation.capture import CaptureMode, not_kept
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.events import (
    Answer,
    AnswerReset,
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    CandidateSkipped,
    Chain,
    CircuitChanged,
    Event,
    GateOpened,
    JudgeCall,
    ModelDenied,
    Move,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallFinished,
    ToolCallRequested,
    Totals,
    Waiting,
)
from llmesc.escalation.failures import Failure
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.resolution import Price, Resolution
from llmesc.escalation.times import Timestamp


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one attempt: text, or thinking, or one event of a tool, until the next passage begins."""

    kind: Literal["text", "thinking", "tool"]
    start: int
    """Where it begins: characters of the attempt's text or thinking before it, or the index in its `tools`."""


@dataclass(frozen=True, slots=False, kw_only=True)
class AttemptView:
    """One attempt so far."""

    attempt: int
    resolution: Resolution
    move: Move
    capture: CaptureMode = "full"
    """How much of what it said is here."""
    probe: bool
    started_at: Timestamp
    started_ms: float
    """Since the run's start."""
    text: tuple[str, ...] = ()
    """In pieces that `shown` joins; see `grown`."""
    thinking: tuple[str, ...] = ()
    characters: int = 0
    held_characters: int = 0
    """The last of them, recorded and not shown yet (or never)."""
    allowance: Allowance | None = None
    """The time and the money it may take."""
    reserved: Reservation | None = None
    """Of spending budgets."""
    continues_characters: int = 0
    """It goes on from so many characters of other attempts; see `AttemptStarted`."""
    repeated_characters: int = 0
    outcome: AttemptOutcome | None = None
    """None: still running."""
    failure: Failure | None = None
    quality: QualityChecked | None = None
    judge: JudgeCall | None = None
    """What another model took to judge it, whether its verdict was waited for or not."""
    usage: Usage | None = None
    cost: Decimal | None = None
    price: Price | None = None
    """What the cost was reckoned with."""
    cost_estimated: bool = False
    first_token_seconds: float | None = None
    """While it runs, by the first delta that was told; in the end, as it was measured."""
    duration_seconds: float | None = None
    finish_reason: str | None = None
    request_id: str | None = None
    discarded: bool = False
    """Its text no longer counts."""
    hedges: int | None = None
    """The attempt beside which it was called; see `AttemptStarted`."""
    lost_to: int | None = None
    """The attempt that was first: this one was hedged away, or was the hedge that came too late."""
    tools: tuple[ToolCallRequested | ToolCallFinished, ...] = ()
    thinking_characters: int = 0
    passages: tuple[Passage, ...] = ()
    """In which order text, thinking and tools came."""

    @property
    def shown(self) -> str:
        """Its text so far, what is held included."""
        return "".join(self.text)

    @property
    def visible(self) -> str:
        """Its text as far as a streaming reader has it; of what is not kept, that it is not."""
        if self.capture in ("encrypted", "metadata"):
            return self.shown
        return self.shown[: self.characters - self.held_characters]


@dataclass(frozen=True, slots=False, kw_only=True)
class RunView:
    """One run so far."""

    run_id: str = ""
    started_at: Timestamp | None = None
    at: Timestamp | None = None
    """Of the last event."""
    elapsed_ms: float = 0.0
    request: Request | None = None
    capture: CaptureMode = "full"
    """How much of the request is here."""
    caller: Mapping[str, str] = field(default_factory=dict)
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
    interrupted: bool = False
    """Its process is gone and nobody will write its end: whoever knows says so, for no event can."""
    events: int = 0

    @property
    def turn(self) -> AttemptView | None:
        """The attempt whose turn it is, or was last; of two that run side by side the one that was called first."""
        of_them = [attempt for attempt in self.attempts if attempt.lost_to is None]
        running = [attempt for attempt in of_them if attempt.outcome is None]
        return running[0] if running else of_them[-1] if of_them else None

    @property
    def visible(self) -> str:
        """What a streaming reader has: the visible text of the attempts that still count, in order."""
        return "".join(attempt.visible for attempt in self.attempts if not attempt.discarded)

    def text_of(self, number: int) -> str:
        """The whole answer of attempt `number`: what it wrote, behind what it went on from."""
        own = next(attempt for attempt in self.attempts if attempt.attempt == number)
        before = (attempt.visible for attempt in self.attempts if attempt.attempt < number and not attempt.discarded)
        return "".join(before if own.continues_characters else ()) + own.shown


def grown(pieces: tuple[str, ...], text: str) -> tuple[str, ...]:
    """`pieces` with `text` behind them.

    Pieces are merged so that each is longer than the next: few pieces, and each character is copied only a logarithmic
    number of times, where a plain string or tuple would be copied whole for every token.
    """
    while pieces and len(pieces[-1]) <= len(text):
        text = pieces[-1] + text
        pieces = pieces[:-1]
    return (*pieces, text)


_View = TypeVar("_View", RunView, AttemptView)


def _changed(view: _View, **changes: Any) -> _View:
    """A copy with other values. Twice for every event: `dataclasses.replace` takes 12 µs for each, and this takes 1."""
    copy = object.__new__(type(view))
    copy.__dict__.update(view.__dict__, **changes)
    return copy


def fold(view: RunView, event: Event) -> RunView:
    """The view after `event`. Pure; `view` is not changed."""
    seen: dict[str, Any] = {"at": event.at, "elapsed_ms": event.elapsed_ms, "events": view.events + 1}
    match event:
        case RunStarted():
            return RunView(
                run_id=event.run_id,
                started_at=event.at,
                request=event.request,
                capture=event.capture,
                caller=event.caller,
                chain=event.chain,
                limits=event.limits,
                **seen,
            )
        case CandidateSkipped():
            return _changed(view, skipped=(*view.skipped, event), **seen)
        case AttemptStarted():
            attempt = AttemptView(
                attempt=event.attempt,
                resolution=event.resolution,
                move=event.move,
                capture=event.capture,
                probe=event.probe,
                started_at=event.at,
                started_ms=event.elapsed_ms,
                continues_characters=event.continues_characters,
                allowance=event.allowance,
                reserved=event.reserved,
                hedges=event.hedges,
            )
            return _changed(view, attempts=(*view.attempts, attempt), waiting=None, **seen)
        case ProviderSwitched():
            return _changed(view, switches=(*view.switches, event), **seen)
        case Waiting():
            return _changed(view, waiting=event, **seen)
        case CircuitChanged():
            return _changed(view, circuits=(*view.circuits, event), **seen)
        case ModelDenied():
            return _changed(view, denied=(*view.denied, event), **seen)
        case AnswerReset():
            # Whoever went on from a text stands or falls with it.
            attempts = tuple(
                _changed(attempt, discarded=True) if attempt.attempt <= event.attempt else attempt for attempt in view.attempts
            )
            return _changed(view, attempts=attempts, **seen)
        case RunFinished():
            return _changed(
                view,
                outcome=event.outcome,
                answer=event.answer,
                totals=event.totals,
                cause=event.cause,
                retry_at=event.retry_at,
                waiting=None,
                **seen,
            )
        case _:
            if view.attempts and view.attempts[-1].attempt == event.attempt:  # nearly always
                return _changed(view, attempts=(*view.attempts[:-1], _fold_attempt(view.attempts[-1], event)), **seen)
            attempts = tuple(
                _fold_attempt(attempt, event) if attempt.attempt == event.attempt else attempt for attempt in view.attempts
            )
            return _changed(view, attempts=attempts, **seen)


_AttemptEvent = (
    TextDelta
    | GateOpened
    | ThinkingDelta
    | ToolCallRequested
    | ToolCallFinished
    | ProviderFailed
    | QualityChecked
    | AttemptFinished
    | AttemptPriced
)


def _with(pieces: tuple[str, ...], event: TextDelta | ThinkingDelta, capture: CaptureMode) -> tuple[str, ...]:
    if not event.characters_not_kept:
        return grown(pieces, event.text)
    return pieces or (not_kept(capture),)


def _fold_attempt(attempt: AttemptView, event: _AttemptEvent) -> AttemptView:
    match event:
        case TextDelta():
            came = event.characters_not_kept or len(event.text)
            held = attempt.held_characters + came if event.held else 0
            return _changed(
                attempt,
                text=_with(attempt.text, event, attempt.capture),
                characters=attempt.characters + came,
                held_characters=held,
                passages=_passages(attempt, "text", attempt.characters),
                first_token_seconds=_first_token_seconds(attempt, event),
            )
        case GateOpened():
            return _changed(attempt, held_characters=0)
        case ThinkingDelta():
            return _changed(
                attempt,
                thinking=_with(attempt.thinking, event, attempt.capture),
                thinking_characters=attempt.thinking_characters + (event.characters_not_kept or len(event.text)),
                passages=_passages(attempt, "thinking", attempt.thinking_characters),
                first_token_seconds=_first_token_seconds(attempt, event),
            )
        case ToolCallRequested() | ToolCallFinished():
            passages = (*attempt.passages, Passage("tool", len(attempt.tools)))
            return _changed(attempt, tools=(*attempt.tools, event), passages=passages)
        case ProviderFailed():
            return _changed(attempt, failure=event.failure)
        case QualityChecked():
            return _changed(attempt, quality=event, judge=event.judge)
        case AttemptFinished():
            return _changed(
                attempt,
                outcome=event.outcome,
                usage=event.usage,
                cost=event.cost,
                cost_estimated=event.cost_estimated,
                first_token_seconds=event.first_token_seconds,
                duration_seconds=event.duration_seconds,
                finish_reason=event.finish_reason,
                request_id=event.request_id,
                repeated_characters=event.repeated_characters,
                lost_to=event.lost_to,
                judge=event.unfinished_judge or attempt.judge,
                price=event.resolution.offering.price,
            )
        case AttemptPriced():
            return _changed(attempt, cost=event.cost, price=event.price)
        case _:
            assert_never(event)


def _passages(attempt: AttemptView, kind: Literal["text", "thinking"], start: int) -> tuple[Passage, ...]:
    """With one more where another kind begins; token after token of one kind it is the same tuple."""
    if attempt.passages and attempt.passages[-1].kind == kind:
        return attempt.passages
    return (*attempt.passages, Passage(kind, start))


def _first_token_seconds(attempt: AttemptView, event: TextDelta | ThinkingDelta) -> float:
    """Of a call whose first token this is, or came before."""
    known = attempt.first_token_seconds
    return (event.elapsed_ms - attempt.started_ms) / 1000 if known is None else known
