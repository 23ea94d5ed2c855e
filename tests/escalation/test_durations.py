from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.durations import LONGEST_SECONDS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120s", 120),
        ("5s", 5),
        ("500ms", 0.5),
        ("2m", 120),
        ("1h", 3600),
        ("7d", 604_800),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("90", 90),
        ("0.25", 0.25),
        ("0", 0),
        (" 5 s ", 5),
        ("1h 30m", 5400),
        ("5S", 5),
        ("3650d", LONGEST_SECONDS),
    ],
)
def test_people_write_durations_in_many_ways(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "soon", "-5s", "5x", "5s foo", "1e3", "٣s", "inf", "nan", "5 5", "1h-5m", "3651d", "9" * 400]
)
def test_what_is_no_duration_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"write \"500ms\"|longer than ten years"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=int(LONGEST_SECONDS * 1000)))
def test_what_is_written_is_read_back_to_the_millisecond(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=0.0005)


@given(st.text(max_size=30))
def test_any_text_gives_seconds_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        assert str(error)
    else:
        assert 0 <= seconds <= LONGEST_SECONDS
