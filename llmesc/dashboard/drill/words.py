"""The score of a drill as a text to read and to copy. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.engine.drills import RowDrilled
from llmesc.story import drill_words, words
from llmesc.story.table import Column, aligned


def score_text(score: RowDrilled) -> str:
    """What came of one drill, what was expected of it, and whether that is so."""
    told = [(words.plain_words(name), text) for name, text in drill_words.card(score.drilled)]
    told.append(("circuit learned", words.plain_words(score.circuit)))
    table = aligned((Column("score"), Column(score.row.words)), told, colour=False)
    asked = [*drill_words.expectation(score.drilled.scenario.expected), f"the circuit learns {score.row.circuit}"]
    verdict = [text for text, _ in drill_words.verdict(score.problems)]
    return "\n".join((table, f"expected: {'; '.join(asked)}", *verdict, ""))


def catalogue_text(rows: Sequence[RowDrilled], *, of: int, width: int | None = None) -> str:
    """A line for each fault so far, cut to fit `width` if given, and what is wrong when all `of` them were played."""
    table = aligned(drill_words.COLUMNS, list(map(drill_words.catalogue_row, rows)), colour=False, width=width)
    ended = len(rows) == of
    verdict = [text for text, _ in drill_words.catalogue_verdict(rows)] if ended else [f"{len(rows)} of {of}"]
    return "\n".join((table, *verdict))
