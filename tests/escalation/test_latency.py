"""What is concluded from how fast a model has been."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.latency import FEWEST_CALLS, Latency, first_token, percentile, whole_answer


def test_of_a_few_calls_nothing_is_concluded() -> None:
    assert percentile([1.0] * (FEWEST_CALLS - 1), 0.95) is None
    assert percentile([1.0] * FEWEST_CALLS, 0.95) == 1.0


@pytest.mark.parametrize(("part", "seconds"), [(0.0, 1), (0.5, 10), (0.51, 11), (0.95, 19), (0.96, 20), (1.0, 20)])
def test_a_percentile_is_a_value_that_was_measured(part: float, seconds: float) -> None:
    assert percentile([float(value) for value in range(20, 0, -1)], part) == seconds


def test_calls_without_a_first_token_say_nothing_of_it() -> None:
    calls = [Latency(None, 9.0), *[Latency(2.0, 3.0)] * FEWEST_CALLS]

    assert (first_token(calls, 1.0), whole_answer(calls, 1.0)) == (2.0, 9.0)


@given(st.lists(st.floats(0, 1000), min_size=FEWEST_CALLS), st.floats(0, 1))
def test_at_least_that_part_is_not_slower(values: list[float], part: float) -> None:
    found = percentile(values, part)

    assert found is not None
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * part
