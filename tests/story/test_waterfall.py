"""The bars of a waterfall: where each begins, where its first token came, where it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.story.waterfall import BEFORE_FIRST, NOT_CALLED, WRITING, bar, mark


@pytest.mark.parametrize(
    ("began", "first", "ended", "whole", "drawn"),
    [
        (0.0, 0.0, 10.0, 10.0, "██████████"),
        (0.0, 5.0, 10.0, 10.0, "░░░░░█████"),
        (2.0, 4.0, 5.5, 10.0, "  ░░██    "),
        (2.0, None, 5.5, 10.0, "  ░░░░    "),
        (9.99, None, 10.0, 10.0, "         ░"),
        (0.0, None, 0.0, 0.0, "░         "),
        (3.0, 3.01, 3.02, 10.0, "   █      "),
        (0.0, None, 99.0, 10.0, "░░░░░░░░░░"),
    ],
)
def test_a_call_stands_where_it_ran(began: float, first: float | None, ended: float, whole: float, drawn: str) -> None:
    assert bar(began, first, ended, whole=whole, width=10) == drawn


def test_a_moment_without_a_call_is_one_mark() -> None:
    assert mark(5.0, whole=10.0, width=10) == "     ↷    "
    assert mark(10.0, whole=10.0, width=10) == "         ↷"
    assert (mark(1.0, whole=2.0, width=0), bar(0, None, 1, whole=1, width=0)) == ("", "")


SECONDS = st.floats(min_value=0, max_value=1e6, allow_nan=False)


@given(SECONDS, st.none() | SECONDS, SECONDS, SECONDS, st.integers(1, 40))
def test_every_call_is_seen_within_its_width(began: float, first: float | None, ended: float, whole: float, width: int) -> None:
    drawn = bar(began, first, ended, whole=whole, width=width)
    assert len(drawn) == width
    assert set(drawn) <= {" ", BEFORE_FIRST, WRITING} and drawn.strip()
    assert " " not in drawn.strip() and WRITING + BEFORE_FIRST not in drawn
    assert len(mark(began, whole=whole, width=width)) == width and NOT_CALLED in mark(began, whole=whole, width=width)
