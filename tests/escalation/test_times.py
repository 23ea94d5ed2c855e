"""Moments as people and other programs read them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from llmesc.escalation.times import Timestamp, from_rfc3339, rfc3339

MOMENTS = st.floats(-1e9, 4e9) | st.integers(0, 4_000_000_000_000_000).map(lambda microseconds: microseconds / 1e6)


@given(MOMENTS)
@example(0.0)
@example(1_700_000_000.0)
@example(1_700_000_000.9999996)
@example(1_700_000_000.0000005)
@example(-0.25)
def test_a_moment_is_written_as_the_standard_library_has_it(at: float) -> None:
    expected = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    assert rfc3339(Timestamp(at)) == expected
    assert rfc3339(from_rfc3339(expected)) == expected
