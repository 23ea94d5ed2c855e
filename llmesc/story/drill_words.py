"""What came of a drill, in words: a card of one, and a table of the catalogue. The same on the screen and in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.style import Style
from llmesc.story.table import Cell, Column

if TYPE_CHECKING:
    from llmesc.engine.drills import Drilled, Expected, RowDrilled, Score

TITLES = ("", "fault", "seen as", "called", "added", "answered by", "circuit", "taken back")
"""Of the columns of the catalogue."""

COLUMNS = tuple(Column(title, right=title in ("called", "added", "taken back")) for title in TITLES)


def card(drilled: Drilled) -> Iterator[tuple[str, str]]:
    """Names, of which some come more than once, and what there is to say of each."""
    yield "candidates", "played" if drilled.scenario.simulate else "real, but for the faults"
    for number, one in enumerate(drilled.scores, 1):
        yield (f"request_{number}" if len(drilled.scores) > 1 else "answered"), _answered(one)
        if one.seen_as:
            yield "failures_seen_as", ", ".join(map(words.plain_words, one.seen_as))
        yield "seconds_lost", f"{words.seconds(one.lost_seconds)} of {words.seconds(one.seconds)}"
        yield "characters", f"{one.taken_back} taken back, {one.lost} lost, {one.doubled} doubled"
        for move in one.moves:
            yield "circuit", one_line(move)
    if drilled.added_seconds is not None:
        yield "added_delay", words.seconds(drilled.added_seconds)
    for ref, calls in drilled.totals.calls.items():
        yield "calls", f"{one_line(ref)} {calls}"
    yield "cost", _cost(drilled)


def _answered(one: Score) -> str:
    mark, _ = words.outcome_words(one.outcome)
    return f"{mark} by {one_line(one.answered_by)}" if one.answered_by else mark


def _cost(drilled: Drilled) -> str:
    if drilled.scenario.simulate:
        return "nothing"
    return "unknown" if drilled.totals.cost is None else words.money(drilled.totals.cost)


def verdict(problems: Sequence[str], struck_nobody: Sequence[str] = ()) -> Iterator[tuple[str, Style]]:
    """Whether one drill came as expected, or each thing that did not; and which faults it says nothing of."""
    for fault in struck_nobody:
        yield f"≈ {one_line(fault)} struck nobody: whom it means was never called", "doubtful"
    if not problems:
        yield "✓ all came as expected", "good"
    for problem in problems:
        yield f"✗ {one_line(problem)}", "bad"


def expectation(expected: Expected) -> Iterator[str]:
    """What was asked of it, as far as a row of the catalogue asks."""
    yield words.plain_words(expected.outcome)
    if expected.seen_as is not None:
        yield f"first failure seen as {words.plain_words(expected.seen_as)}"
    for target, most in expected.calls.items():
        yield f"{one_line(target)} called {words.plural(most, 'time')} at most"


# -- the catalogue ----------------------------------------------------------------------------------------------------------


def catalogue_row(row: RowDrilled) -> list[Cell]:
    """One fault, in the order of `COLUMNS`."""
    right, *rest = catalogue_texts(row)
    return [Cell(right, "good" if right == "✓" else "bad", raw="right" if right == "✓" else "wrong"), *map(Cell, rest)]


def catalogue_texts(row: RowDrilled) -> tuple[str, ...]:
    """The same as plain text."""
    one = row.drilled.scores[0]
    added = row.drilled.added_seconds
    calls = row.drilled.totals.calls
    return (
        "✗" if row.problems else "✓",
        f"{row.row.words}{_limit(row.row.timeouts)}",
        ", ".join(map(words.plain_words, one.seen_as)) or "nothing",
        str(next(iter(calls.values()))),
        "" if added is None else words.seconds(added),
        one_line(one.answered_by or "nobody"),
        words.plain_words(row.circuit),
        str(one.taken_back),
    )


def _limit(timeouts: Mapping[str, float]) -> str:
    """The limit that shows the fault, where the row sets one: the one for silence outranks the one for the first token."""
    seconds = timeouts.get("stall_seconds", timeouts.get("first_token_seconds"))
    return "" if seconds is None else f" (limit {seconds:g} s)"


def catalogue_verdict(rows: Sequence[RowDrilled]) -> Iterator[tuple[str, Style]]:
    """What is wrong with each fault, and how many came out as they should."""
    for row in rows:
        for problem in row.problems:
            yield f"✗ {row.row.words}: {one_line(problem)}", "bad"
    wrong = sum(bool(row.problems) for row in rows)
    if wrong:
        yield f"✗ {wrong} of {len(rows)} faults did not come out as they should", "bad"
    else:
        yield f"✓ all {len(rows)} faults came out as they should", "good"
