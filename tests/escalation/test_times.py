"""Points in time as text, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmesc.escalation.times import Timestamp, from_rfc3339, rfc3339


@given(st.floats(0, 4_000_000_000))
@example(1_700_000_000.9999997)  # rounds up to the next second
@example(1_700_000_000.0000005)
@example(0.0)
def test_it_is_what_datetime_writes_and_reads_back_to_the_microsecond(at: float) -> None:
    text = rfc3339(Timestamp(at))

    assert text == datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert from_rfc3339(text) == pytest.approx(at, abs=1e-6)


def test_text_order_is_time_order_before_1970_too() -> None:
    moments = [-1.5, -1.0, -0.25, 0.0, 0.5, 1_700_000_000.25]

    assert sorted(map(rfc3339, map(Timestamp, moments))) == [rfc3339(Timestamp(at)) for at in moments]
    assert rfc3339(Timestamp(-0.25)) == "1969-12-31T23:59:59.750000Z"
