"""How the time and the money of a run are shared out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.envelope import (
    KEPT_FOR_OTHERS,
    SHORTEST_ANSWER_TOKENS,
    Allowance,
    Behind,
    affordable,
    least_cost,
    share,
    too_slow,
)
from llmesc.escalation.latency import Latency
from llmesc.escalation.messages import ask_for
from llmesc.escalation.pricing import affordable_tokens
from llmesc.escalation.resolution import Price

QUICK = [Latency(0.5, 2.0)] * 10
SLOW = [Latency(8.0, 45.0)] * 10
PRICE = Price(input_per_million=Decimal(1), output_per_million=Decimal(10))


@pytest.mark.parametrize(
    ("left", "calls", "behind", "seconds"),
    [
        pytest.param(60, [], [], 60, id="the last one gets everything"),
        pytest.param(60, [], [Behind(10)], 50, id="one behind keeps its first token"),
        pytest.param(60, [], [Behind(10), Behind(15)], 35, id="each behind does"),
        pytest.param(60, [], [Behind(30), Behind(30)], 30, id="all behind together keep half at most"),
        pytest.param(60, [], [Behind(30, QUICK)], 59.5, id="one known to be quick keeps what it needs"),
        pytest.param(60, [], [Behind(5, SLOW)], 55, id="what it needs is never more than its limit"),
        pytest.param(60, SLOW, [Behind(30)], 45, id="one known to take longer than its share gets that"),
        pytest.param(20, SLOW, [Behind(30)], 20, id="but never more than is left"),
        pytest.param(60, QUICK, [Behind(30)], 30, id="one known to be quick may still take its share"),
    ],
)
def test_the_share_of_an_attempt(left: float, calls: list[Latency], behind: list[Behind], seconds: float) -> None:
    assert share(left, calls, behind) == seconds


latencies = st.lists(st.builds(Latency, st.none() | st.floats(0, 100), st.floats(0, 200)), max_size=12)


@given(st.floats(0, 1000), latencies, st.lists(st.builds(Behind, st.floats(0.1, 300), latencies), max_size=4))
def test_a_share_is_at_least_half_and_at_most_all_that_is_left(left: float, calls: list[Latency], behind: list[Behind]) -> None:
    seconds = share(left, calls, behind)

    assert left * (1 - KEPT_FOR_OTHERS) <= seconds <= left
    if not behind:
        assert seconds == left


def test_one_whose_first_token_usually_comes_too_late_is_too_slow() -> None:
    assert too_slow(7.1, SLOW) == 8.0
    assert too_slow(8.0, SLOW) is None
    assert too_slow(7.9, SLOW) is None, "a little of what was kept for it has gone by its turn"
    assert too_slow(0.1, SLOW[:3]) is None, "of three calls nothing is concluded"


def test_now_and_then_is_not_usually() -> None:
    calls = [*[Latency(0.5, 1.0)] * 6, *[Latency(60.0, 61.0)] * 4]

    assert too_slow(5.0, calls) is None


def test_the_least_that_a_call_costs_is_its_prompt_and_a_short_answer() -> None:
    assert least_cost(PRICE, 1000, None) == (1000 + SHORTEST_ANSWER_TOKENS * 10) / Decimal(1_000_000)
    assert least_cost(PRICE, 1000, 3) == Decimal("0.00103")
    assert least_cost(PRICE, 1000, 100_000) == least_cost(PRICE, 1000, None)


@given(st.integers(0, 100_000), st.decimals(0, 100, places=4), st.decimals("0.01", 1000, places=2), st.decimals(0, 10, places=2))
def test_the_longest_answer_that_money_pays_for_is_paid(
    prompt: int, dollars: Decimal, output: Decimal, price_in: Decimal
) -> None:
    price = Price(input_per_million=price_in, output_per_million=output)

    tokens = affordable_tokens(price, prompt, dollars)

    assert tokens is not None
    if tokens:
        assert (price_in * prompt + output * tokens) / 1_000_000 <= dollars
    assert (price_in * prompt + output * (tokens + 1)) / 1_000_000 > dollars


def test_answers_that_cost_nothing_may_be_as_long_as_they_like() -> None:
    assert affordable_tokens(Price(input_per_million=Decimal(1), output_per_million=Decimal(0)), 10, Decimal(0)) is None


@pytest.mark.parametrize(("wanted", "paid", "asked"), [(None, None, None), (None, 100, 100), (50, 100, 50), (500, 100, 100)])
def test_an_answer_is_limited_to_what_is_wanted_and_paid(wanted: int | None, paid: int | None, asked: int | None) -> None:
    from dataclasses import replace

    request = replace(ask_for("hi"), max_output_tokens=wanted)

    assert affordable(request, Allowance(seconds=1, of_seconds=1, output_tokens=paid)).max_output_tokens == asked
