"""Bars in two parts, and the days of a calendar."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.times import Timestamp
from llmesc.story.bars import lying_in_part
from llmesc.story.days import date, days_between


@pytest.mark.parametrize(
    ("value", "part", "bar"),
    [
        (8, 0, ("████", "")),
        (8, 4, ("██", "▒▒")),
        (8, 0.01, ("███", "▒")),
        (8, 7.99, ("█", "▒▒▒")),
        (8, 8, ("", "▒▒▒▒")),
        (0.01, 0, ("█", "")),
        (0.01, 0.01, ("", "▒")),
        (0, 0, ("", "")),
    ],
)
def test_a_bar_shows_its_part_and_neither_is_lost(value: float, part: float, bar: tuple[str, str]) -> None:
    assert lying_in_part(value, part, 8, 4) == bar


@given(value=st.floats(0, 1e6), share=st.floats(0, 1), top=st.floats(0, 1e6), width=st.integers(0, 60))
def test_a_bar_never_outgrows_its_place(value: float, share: float, top: float, width: int) -> None:
    assert len("".join(lying_in_part(value, value * share, top, width))) <= width


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        (1_792_933_200, 1_792_940_400, [2]),  # 2026-10-25, an hour after noon
        (1_792_846_800, 1_792_933_200, [9, 15]),  # over the midnight before the clocks were changed
        (1_792_854_000, 1_793_019_600, [7, 25, 14]),
    ],
)
def test_days_are_the_operators_also_where_one_has_25_hours(
    since: int, until: int, hours: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        moments = days_between(Timestamp(since), Timestamp(until))
        dates = [date(at) for at in moments[:-1]]
    finally:
        monkeypatch.undo()
        time.tzset()

    assert [(two - one) / 3600 for one, two in pairwise(moments)] == hours
    assert dates == sorted(set(dates))
