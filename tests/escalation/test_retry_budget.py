"""The token bucket of a chain: failures drain it, answers and time fill it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.retry_budget import FAILED, REFILL_SECONDS, Bucket, RetryPolicy, allows, changed
from llmesc.escalation.times import Timestamp

POLICY = RetryPolicy()
NOW = Timestamp(10_000.0)


def test_a_chain_without_a_bucket_has_a_full_one() -> None:
    assert changed(None, 0.0, NOW, POLICY) == Bucket(POLICY.tokens, NOW)


@pytest.mark.parametrize(
    ("tokens", "after", "change", "left"),
    [
        pytest.param(80, 0, FAILED, 79, id="a failure takes one"),
        pytest.param(80, 0, POLICY.refund, 80.1, id="an answer gives some back"),
        pytest.param(100, 0, POLICY.refund, 100, id="never more than full"),
        pytest.param(0.5, 0, FAILED, 0, id="never less than empty"),
        pytest.param(0, REFILL_SECONDS / 2, 0, 50, id="time fills it"),
        pytest.param(0, REFILL_SECONDS * 9, 0, 100, id="and no further"),
        pytest.param(40, -5_000, 0, 40, id="a clock that was put back takes nothing"),
        pytest.param(400, 0, 0, 100, id="a bucket that was made smaller is full"),
    ],
)
def test_what_changes_a_bucket(tokens: float, after: float, change: float, left: float) -> None:
    assert changed(Bucket(tokens, NOW), change, Timestamp(NOW + after), POLICY).tokens == pytest.approx(left)


@pytest.mark.parametrize(("tokens", "allowed"), [(100, True), (50.1, True), (50, False), (0, False)])
def test_half_a_bucket_or_less_allows_no_further_call(tokens: float, allowed: bool) -> None:
    assert allows(tokens, POLICY) is allowed


def test_no_budget_allows_everything() -> None:
    assert allows(0.0, RetryPolicy(tokens=0))


@given(st.lists(st.tuples(st.sampled_from([FAILED, POLICY.refund, 0.0]), st.floats(-100, 100)), max_size=200))
def test_a_bucket_is_never_below_empty_or_above_full(steps: list[tuple[float, float]]) -> None:
    bucket, now = None, NOW
    for change, seconds in steps:
        now = Timestamp(now + seconds)
        bucket = changed(bucket, change, now, POLICY)
        assert 0 <= bucket.tokens <= POLICY.tokens


def test_a_storm_of_failures_without_answers_is_throttled_within_half_a_bucket() -> None:
    bucket, failures = None, 0
    while bucket is None or allows(bucket.tokens, POLICY):
        bucket = changed(bucket, FAILED, NOW, POLICY)
        failures += 1

    assert failures == POLICY.tokens / 2
