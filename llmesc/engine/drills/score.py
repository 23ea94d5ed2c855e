"""What came of one request of a drill, and whether that was right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from llmesc.engine.drills.scenario import Expected, meant
from llmesc.escalation.events import AttemptOutcome, AttemptStarted, Event, RunFinished
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey, Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of one request. Times in seconds, money in US dollars."""

    run_id: str
    outcome: str
    answered_by: str | None
    """A reference."""
    seconds: float
    lost_seconds: float
    """Until the attempt that answered began; all of them where none did."""
    seen_as: tuple[str, ...]
    """What each attempt that did not end well was taken for, in order: a failure kind, `quality`, `cancelled`, `hedged_away`
    where its hedge was first. A hedge that came too late is left out.
    """
    taken_back: int
    """Characters that a streaming reader was shown and that no longer counted."""
    lost: int
    """Characters of the accepted answer that a streaming reader never got."""
    doubled: int
    """Characters that a streaming reader has too many."""
    cost: Decimal | None
    """None: not known."""
    moves: tuple[str, ...]
    """Of circuits: `openai@a closed → open`."""
    view: RunView
    """The whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Of all requests of a drill."""

    calls: Mapping[str, int]
    """Requests that reached each candidate, or would have if somebody had listened; by reference, all that may be called."""
    circuits: Mapping[CircuitKey, str]
    """The state of each circuit at the end."""
    weights: Mapping[CircuitKey, float]
    """The failures that each closed circuit counts at the end."""
    cost: Decimal | None


def score(events: Sequence[Event]) -> Score:
    """Of a run that ended."""
    view = RunView()
    for event in events:
        view = fold(view, event)
    last = events[-1]
    assert isinstance(last, RunFinished), "a run ends with run_finished"
    answer = last.answer if last.outcome == "answered" else None
    starts = {event.attempt: event.elapsed_ms / 1000 for event in events if isinstance(event, AttemptStarted)}
    duration = last.totals.duration_seconds
    shown, text = view.visible, answer.text if answer else ""
    same = 0
    while same < min(len(shown), len(text)) and shown[same] == text[same]:
        same += 1
    return Score(
        run_id=last.run_id,
        outcome=last.outcome.value,
        answered_by=answer.resolution.ref if answer else None,
        seconds=duration,
        lost_seconds=starts[answer.attempt] - starts[min(starts)] if answer else duration,
        seen_as=tuple(_seen_as(view)),
        taken_back=sum(attempt.characters - attempt.held_characters for attempt in view.attempts if attempt.discarded),
        lost=len(text) - same if answer else 0,
        doubled=len(shown) - same if answer else 0,
        cost=last.totals.cost,
        moves=tuple(f"{change.key} {change.before} → {change.after}" for change in view.circuits),
        view=view,
    )


def _seen_as(view: RunView) -> Iterable[str]:
    for attempt in view.attempts:
        if attempt.failure is not None:
            yield attempt.failure.kind.value
        elif attempt.outcome is AttemptOutcome.QUALITY_FAILURE:
            yield "quality"
        elif attempt.lost_to is not None:
            if attempt.lost_to > attempt.attempt:
                yield "hedged_away"
        elif attempt.outcome is AttemptOutcome.CANCELLED:
            yield "cancelled"


def problems(
    expected: Expected, scores: Sequence[Score], totals: Totals, candidates: Sequence[Resolution], added_seconds: float | None
) -> list[str]:
    """What is not as it should be, each a sentence; none: all is right."""
    found: list[str] = []
    for number, each in enumerate(scores, 1):
        which = f"request {number}: " if len(scores) > 1 else ""
        found += [which + problem for problem in _problems_of(expected, each, candidates)]
    if expected.seen_as is not None:
        first = scores[0].seen_as[0] if scores[0].seen_as else "nothing"
        if first != expected.seen_as:
            found.append(f"the first failure was seen as {first}, not as {expected.seen_as}")
    for target, most in expected.calls.items():
        made = sum(totals.calls.get(each.ref, 0) for each in meant(target, candidates))
        if made > most:
            found.append(f"{target} was called {made} times, at most {most} were right")
    for target, state in expected.circuits.items():
        for key in dict.fromkeys(each.circuit_key for each in meant(target, candidates)):
            if totals.circuits.get(key, "closed") != state:
                found.append(f"the circuit of {key} is {totals.circuits.get(key, 'closed')}, not {state}")
    if expected.cost is not None and (totals.cost is None or totals.cost > expected.cost):
        spent = "an unknown amount" if totals.cost is None else f"${totals.cost}"
        found.append(f"it cost {spent}, at most ${expected.cost} was right")
    if expected.added_seconds is not None and added_seconds is not None and added_seconds > expected.added_seconds:
        found.append(f"{added_seconds * 1000:.1f} ms were added, at most {expected.added_seconds * 1000:g} ms are right")
    return found


def _problems_of(expected: Expected, one: Score, candidates: Sequence[Resolution]) -> Iterable[str]:
    if one.outcome != expected.outcome:
        yield f"the outcome is {one.outcome}, not {expected.outcome}"
    if expected.answered_by is not None and one.answered_by not in {each.ref for each in meant(expected.answered_by, candidates)}:
        yield f"answered by {one.answered_by or 'nobody'}, not by {expected.answered_by}"
    if expected.within_seconds is not None and one.seconds > expected.within_seconds:
        yield f"it took {one.seconds:.1f} s, not {expected.within_seconds:g} s at most"
    if one.lost or one.doubled:
        yield f"{one.lost} characters of the answer were lost to a streaming reader, {one.doubled} came twice"
