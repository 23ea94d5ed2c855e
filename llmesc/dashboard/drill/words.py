"""The score of a drill as a text to read and to copy. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.engine.drills import RowDrilled
from llmesc.story import drill_words, words
from llmesc.story.table import Column, aligned
from llmesc.story.width import display_width

ADDED = "The delay that was added counts what this screen takes to be drawn."

_LEAST_TELLING = ("taken back", "answered by", "added")
"""Columns that a narrow screen does without, in this order."""

_CUT = 12
"""So many characters are cut rather than a column left out."""


def score_text(score: RowDrilled) -> str:
    """What came of one drill, what was expected of it, and whether that is so."""
    told = [(words.plain_words(name), text) for name, text in drill_words.card(score.drilled)]
    told.append(("circuit learned", words.plain_words(score.circuit)))
    table = aligned((Column("score"), Column(score.row.words)), told, colour=False)
    asked = [*drill_words.expectation(score.drilled.scenario.expected), f"the circuit learns {score.row.circuit}"]
    verdict = [text for text, _ in drill_words.verdict(score.problems)]
    return "\n".join((table, f"expected: {'; '.join(asked)}", *verdict, "", ADDED, ""))


def catalogue_text(rows: Sequence[RowDrilled], *, of: int, width: int | None = None) -> str:
    """A line for each fault so far, fitted to `width` if given, and what is wrong when all `of` them were played."""
    table = _table(rows, drill_words.TITLES) if width is None else _fitted(rows, width)
    return "\n".join((table, *_verdict(rows, of), "", ADDED))


def catalogue_state(rows: Sequence[RowDrilled], *, of: int) -> str:
    """How far it is, or what came of it, in a line."""
    return _verdict(rows, of)[-1]


def _verdict(rows: Sequence[RowDrilled], of: int) -> list[str]:
    return [text for text, _ in drill_words.catalogue_verdict(rows)] if len(rows) == of else [f"{len(rows)} of {of}"]


def _fitted(rows: Sequence[RowDrilled], width: int) -> str:
    titles = list(drill_words.TITLES)
    for title in _LEAST_TELLING:
        if max(map(display_width, _table(rows, titles).splitlines())) <= width + _CUT:
            break
        titles.remove(title)
    return _table(rows, titles, width)


def _table(rows: Sequence[RowDrilled], titles: Sequence[str], width: int | None = None) -> str:
    kept = [drill_words.TITLES.index(title) for title in titles]
    columns = [drill_words.COLUMNS[index] for index in kept]
    cells = [[row[index] for index in kept] for row in map(drill_words.catalogue_row, rows)]
    return aligned(columns, cells, colour=False, width=width)
