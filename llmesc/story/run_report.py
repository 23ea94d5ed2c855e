"""One run from its beginning to its end, as steps in the order of time: what a terminal and a page draw. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmesc.engine import AttemptRow
from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.events import (
    AttemptStarted,
    CandidateSkipped,
    CircuitChanged,
    Event,
    ModelDenied,
    ProviderSwitched,
    Waiting,
)
from llmesc.escalation.fold import AttemptView, RunView, fold
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.status import Status, attempt_status, event_status
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.attempt_words import facts, place
from llmesc.story.ledger import seconds_of
from llmesc.story.style import Style
from llmesc.story.tell import skip_words, tell, writers


@dataclass(frozen=True, slots=True)
class Stretch:
    """When something ran, in seconds since the run began."""

    began: float
    ended: float
    first_token: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An attempt, somebody who was passed over, a wait, or a word about the way from one to the next."""

    mark: str
    """`✓`, `≈`, `✗`, `⊘`, `▶`, `↷`, `…`, `→`, …"""
    number: str = ""
    """Of an attempt."""
    name: str = ""
    """Of a candidate; of all else the text says everything."""
    text: str = ""
    style: Style = "plain"
    status: Status | None = None
    """Of an attempt that has ended, or a candidate that was passed over: the word for an audit."""
    ran: Stretch | None = None
    """A moment where it ended when it began."""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """All there is to say of one run."""

    view: RunView
    rows: tuple[AttemptRow, ...]
    outcome: str
    """Its own, or what the attempts tell of a process that never wrote the end: `running`, `interrupted`."""
    steps: tuple[Step, ...]
    seconds: float
    writers: tuple[str, ...]
    """Who wrote how much of the answer, in order."""
    kept: str
    """What of it the record was not to keep; empty where all of it is there."""


def report(events: Sequence[Event], rows: Sequence[AttemptRow]) -> RunReport:
    """Of the recorded `events`; `rows` know of attempts whose process was killed."""
    views, view = list[RunView](), RunView()
    for event in events:
        view = fold(view, event)
        views.append(view)
    outcomes = {row.attempt: row.outcome for row in rows}
    ran = {attempt.attempt: attempt for attempt in view.attempts}
    steps = tuple(step for event, then in zip(events, views, strict=True) for step in _steps(event, then, view, ran, outcomes))
    return RunReport(
        view=view,
        rows=tuple(rows),
        outcome=run_outcome(view, rows),
        steps=_with_ends_of_waits(steps, view),
        seconds=max(view.elapsed_ms / 1000, view.totals.duration_seconds if view.totals is not None else 0.0),
        writers=tuple(_all_writers(view)),
        kept=_kept(view),
    )


def run_outcome(view: RunView, rows: Sequence[AttemptRow]) -> str:
    """Of the run: its own, or what the attempts tell of a process that never wrote the end."""
    if view.outcome is not None:
        return view.outcome
    return "interrupted" if any(row.outcome == "interrupted" for row in rows) else "running"


def _steps(
    event: Event, then: RunView, view: RunView, ran: Mapping[int, AttemptView], outcomes: Mapping[int, str]
) -> Iterator[Step]:
    match event:
        case AttemptStarted():
            yield _attempt(event, ran[event.attempt], view, outcomes)
        case CandidateSkipped():
            at = event.elapsed_ms / 1000
            why = (skip_words(event),)
            yield Step(
                mark="↷",
                name=words.who(event.resolution),
                details=why,
                style="dim",
                status=event_status(event),
                ran=Stretch(at, at),
            )
        case Waiting():
            at = event.elapsed_ms / 1000
            yield Step(mark="…", text=next(tell(event, then)).text[2:], style="doubtful", ran=Stretch(at, at))
        case ProviderSwitched() | CircuitChanged() | ModelDenied():
            for line in tell(event, then):
                yield Step(mark=line.text[0], text=line.text[2:], style=line.style)
        case _:
            pass


def _attempt(event: AttemptStarted, attempt: AttemptView, view: RunView, outcomes: Mapping[int, str]) -> Step:
    known = attempt.outcome or outcomes.get(attempt.attempt, "running")
    outcome, style = words.outcome_words(known)
    seconds = seconds_of(attempt, view)
    began = attempt.started_ms / 1000
    first = attempt.first_token_seconds
    cause = words.cause_words(attempt) or ("" if outcome[0] == "✓" else outcome[2:])
    rest = [
        *([cause] if cause else []),
        *([f"adapted: {'; '.join(event.repairs)}"] if event.repairs else []),
        *(["tried though its circuit is open, as all are"] if event.against_circuit else []),
    ]
    return Step(
        mark=outcome[0],
        number=str(attempt.attempt),
        name=words.who(attempt.resolution),
        text=f"{outcome[2:]} in {words.seconds(seconds)}",
        style=style,
        status=attempt_status(known, attempt.failure.kind if attempt.failure else None),
        ran=Stretch(began, began + seconds, None if first is None else began + first),
        details=tuple(one_line(text, 1000) for text in (*rest, " · ".join([place(attempt), *facts(attempt, seconds)]))),
    )


def _with_ends_of_waits(steps: Sequence[Step], view: RunView) -> tuple[Step, ...]:
    """A wait lasts until the next thing that has a time."""
    end = view.elapsed_ms / 1000
    done = list[Step]()
    for number, step in enumerate(steps):
        if step.mark == "…" and step.ran is not None:
            after = next((later.ran.began for later in steps[number + 1 :] if later.ran is not None), end)
            step = Step(mark=step.mark, text=step.text, style=step.style, ran=Stretch(step.ran.began, after))
        done.append(step)
    return tuple(done)


def _all_writers(view: RunView) -> Iterator[str]:
    several = writers(view)
    if several or view.answer is None:
        yield from several
        return
    length = view.answer.ranges[-1].end if view.answer.ranges else len(view.answer.text)
    if length:
        yield f"{words.plural(length, 'character')} by {words.who(view.answer.resolution)}"


_KEPT: Mapping[CaptureMode, str] = {
    "full": "",
    "redacted": "kept without secrets and personal numbers (capture = redacted)",
    "encrypted": "the texts are encrypted, and their key is not here (capture = encrypted)",
    "metadata": "the texts were not kept: only their lengths and digests (capture = metadata)",
}


def _kept(view: RunView) -> str:
    return _KEPT[strictest((view.capture, *(attempt.capture for attempt in view.attempts)))]
