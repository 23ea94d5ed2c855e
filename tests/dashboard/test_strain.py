"""When the banner says that fallbacks carry the load, and what it says."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from llmesc.dashboard.strain import strain, strain_words
from llmesc.engine import CircuitLine, RunSummary
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes

NOW = scenes.NOW
BASE = scenes.below_bar().summary


def run(
    answered_by: str | None, *, ago: float, chain: str = "default", primary: str | None = "lab/m", outcome: str = ""
) -> RunSummary:
    return dataclasses.replace(
        BASE,
        started_at=Timestamp(NOW - ago),
        finished_at=Timestamp(NOW - ago + 1),
        outcome=outcome or ("answered" if answered_by else "exhausted"),
        chain=chain,
        primary=primary,
        answered_by=answered_by,
        cost=Decimal("0.01") if answered_by else None,
    )


def lab(state: str) -> tuple[CircuitLine, ...]:
    return (CircuitLine(key=CircuitKey("lab"), state=state, circuit=Circuit(), configured=True),)


CLOSED = lab("closed")


def fallbacks(count: int, *, newest_ago: float = 5, by: str | None = "claude/s") -> list[RunSummary]:
    return [run(by, ago=newest_ago + 60 * number) for number in range(count)]


@pytest.mark.parametrize(
    ("runs", "circuits", "strained"),
    [
        ([], CLOSED, False),
        (fallbacks(3), CLOSED, True),
        (fallbacks(2), CLOSED, False),
        (fallbacks(1), lab("open"), True),
        (fallbacks(1), lab("half_open"), True),
        ([], lab("open"), False),
        ([run("lab/m", ago=1), *fallbacks(5)], CLOSED, False),
        ([*fallbacks(2), run("lab/m", ago=300), *fallbacks(5, newest_ago=400)], CLOSED, False),
        ([run(None, ago=1, outcome="cancelled"), *fallbacks(3)], CLOSED, True),
        ([run(None, ago=1, outcome="running"), *fallbacks(3)], CLOSED, True),
        (fallbacks(3, newest_ago=3600), CLOSED, False),
        (fallbacks(3, newest_ago=3600), lab("open"), True),
        ([run("claude/s", ago=ago, primary=None) for ago in (1, 2, 3)], CLOSED, False),
        # Whoever pins another candidate has another primary.
        ([run("claude/s", ago=1, primary="claude/s"), *fallbacks(3)], CLOSED, True),
        ([run("claude/s", ago=ago, primary="claude/s") for ago in (1, 2, 3)], CLOSED, False),
        ([run("lab/m", ago=1, chain="other"), *fallbacks(3)], CLOSED, True),
    ],
)
def test_it_is_there_where_the_primary_does_not_answer(
    runs: list[RunSummary], circuits: tuple[CircuitLine, ...], strained: bool
) -> None:
    assert (strain(runs, circuits, NOW) is not None) is strained


def test_it_says_who_carries_the_load_since_when_and_what_that_costs() -> None:
    runs = [*fallbacks(3), run("openai/x", ago=300), run(None, ago=420), run("lab/m", ago=500)]
    found = strain(runs, CLOSED, NOW)
    assert found is not None
    assert (found.since, found.requests, found.unanswered, found.cost) == (NOW - 420, 5, 1, Decimal("0.04"))
    assert found.carried_by == ("claude/s", "openai/x")
    assert strain_words(found, NOW) == (
        "⚠ chain default: lab/m has not answered for 7 min · 5 requests · carried by claude/s and 1 more · 1 unanswered · $0.0400"
    )
