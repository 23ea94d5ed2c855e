"""What came of a drill: as a score card, as a table of the catalogue, as JSON whose keys are a contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmesc.escalation.events import SCHEMA
from llmesc.escalation.untrusted import one_line
from llmesc.story import drill_words, words
from llmesc.story.table import Cell, Column

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine.drills import Drilled, RowDrilled, Score


def show(session: Session, drilled: Drilled) -> None:
    """The score card, and what is wrong."""
    rows = [(Cell(words.plain_words(name), raw=name), Cell(told)) for name, told in drill_words.card(drilled)]
    if session.out.is_terminal and (name := one_line(drilled.scenario.name)):
        rows.insert(0, (Cell("drill"), Cell(name, "strong")))
    session.out.table((Column("score"), Column("")), rows)
    for line, style in drill_words.verdict(drilled.problems, drilled.struck_nobody):
        session.err.say(line, style)


def show_catalogue(session: Session, rows: Sequence[RowDrilled]) -> None:
    """A line for each fault, and what is wrong."""
    session.out.table(drill_words.COLUMNS, list(map(drill_words.catalogue_row, rows)), cut_last=True)
    for line, style in drill_words.catalogue_verdict(rows):
        session.err.say(line, style)


def catalogue_markdown(rows: Sequence[RowDrilled]) -> str:
    """The same as a Markdown table."""
    titles = drill_words.TITLES
    lines = [titles, tuple("---" for _ in titles), *map(drill_words.catalogue_texts, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


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
        "struck_nobody": list(drilled.struck_nobody),
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
