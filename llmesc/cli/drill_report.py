"""What came of a drill: as a score card, as a table of the catalogue, as JSON whose keys are a contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmesc.cli.table import Cell, Column
from llmesc.escalation.events import SCHEMA
from llmesc.escalation.untrusted import one_line
from llmesc.story import words

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine.drills import Drilled, RowDrilled, Score


def show(session: Session, drilled: Drilled) -> None:
    """The score card, and what is wrong."""
    rows = [(Cell(words.plain_words(name), raw=name), Cell(told)) for name, told in _card(drilled)]
    session.out.table((Column("score"), Column(one_line(drilled.scenario.name) or "drill")), rows)
    if drilled.right:
        session.err.say("✓ all came as expected", "good")
    for problem in drilled.problems:
        session.err.say(f"✗ {one_line(problem)}", "bad")


def _card(drilled: Drilled) -> Iterator[tuple[str, str]]:
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


# -- the catalogue ----------------------------------------------------------------------------------------------------------

_TITLES = ("", "fault", "seen as", "called", "added", "answered by", "circuit", "taken back")


def show_catalogue(session: Session, rows: Sequence[RowDrilled]) -> None:
    """A line for each fault, and what is wrong."""
    columns = tuple(Column(title, right=title in ("called", "added", "taken back")) for title in _TITLES)
    session.out.table(columns, [_styled(cells) for cells in map(_cells, rows)], cut_last=True)
    for row in rows:
        for problem in row.problems:
            session.err.say(f"✗ {row.row.words}: {one_line(problem)}", "bad")
    wrong = sum(bool(row.problems) for row in rows)
    if wrong:
        session.err.say(f"✗ {wrong} of {len(rows)} faults did not come out as they should", "bad")
    else:
        session.err.say(f"✓ all {len(rows)} faults came out as they should", "good")


def catalogue_markdown(rows: Sequence[RowDrilled]) -> str:
    """The same as a Markdown table."""
    lines = [_TITLES, tuple("---" for _ in _TITLES), *map(_cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _styled(cells: Sequence[str]) -> list[Cell]:
    right, *rest = cells
    return [Cell(right, "good" if right == "✓" else "bad", raw="right" if right == "✓" else "wrong"), *map(Cell, rest)]


def _cells(row: RowDrilled) -> tuple[str, ...]:
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


# -- JSON -------------------------------------------------------------------------------------------------------------------


def as_json(drilled: Drilled) -> dict[str, Any]:
    """The whole drill."""
    totals = drilled.totals
    return {
        "schema": SCHEMA,
        "scenario": drilled.scenario.name,
        "simulated": drilled.scenario.simulate,
        "chain": drilled.chain,
        "right": drilled.right,
        "problems": list(drilled.problems),
        "faults": [{"at": each.target, "fault": str(each.fault)} for each in drilled.scenario.injections],
        "requests": [_score_json(one) for one in drilled.scores],
        "calls": dict(totals.calls),
        "circuits": {str(key): state for key, state in totals.circuits.items()},
        "added_seconds": drilled.added_seconds,
        "cost": None if totals.cost is None else str(totals.cost),
    }


def catalogue_json(rows: Sequence[RowDrilled]) -> dict[str, Any]:
    """Every row: the drill, and what its circuit learned."""
    return {
        "schema": SCHEMA,
        "right": not any(row.problems for row in rows),
        "rows": [
            {**as_json(row.drilled), "circuit": row.circuit, "right": not row.problems, "problems": list(row.problems)}
            for row in rows
        ],
    }


def _score_json(one: Score) -> dict[str, Any]:
    return {
        "run_id": one.run_id,
        "outcome": one.outcome,
        "answered_by": one.answered_by,
        "seconds": one.seconds,
        "lost_seconds": one.lost_seconds,
        "seen_as": list(one.seen_as),
        "characters_taken_back": one.taken_back,
        "characters_lost": one.lost,
        "characters_doubled": one.doubled,
        "circuits": list(one.moves),
        "cost": None if one.cost is None else str(one.cost),
    }
