"""The orders in which requests may be listed."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from llmesc.dashboard.sorting import ORDERS, Order, ordered
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes

BASE = scenes.below_bar().summary
NOW = Timestamp(1000)


def run(
    name: str, *, began: float, ended: float | None, cost: str | None, tokens: int | None, attempts: int
) -> scenes.RunSummary:
    return dataclasses.replace(
        BASE,
        run_id=name,
        started_at=Timestamp(began),
        finished_at=None if ended is None else Timestamp(ended),
        cost=None if cost is None else Decimal(cost),
        input_tokens=tokens,
        output_tokens=None,
        attempts=attempts,
    )


RUNS = (
    run("d", began=990, ended=None, cost=None, tokens=None, attempts=1),
    run("c", began=900, ended=905, cost="0.30", tokens=7, attempts=1),
    run("b", began=800, ended=899, cost="0", tokens=90, attempts=3),
    run("a", began=700, ended=705, cost="0.30", tokens=7, attempts=2),
)


@pytest.mark.parametrize(
    ("order", "listed"),
    [("newest", "dcba"), ("dearest", "cabd"), ("longest", "bdca"), ("most tokens", "bcad"), ("most attempts", "badc")],
)
def test_of_equals_the_newest_comes_first_and_what_is_unknown_last(order: Order, listed: str) -> None:
    assert "".join(one.run_id for one in ordered(RUNS, order, NOW)) == listed


def test_every_order_lists_every_request_once() -> None:
    for order in ORDERS:
        assert sorted(one.run_id for one in ordered(RUNS, order, NOW)) == ["a", "b", "c", "d"]
