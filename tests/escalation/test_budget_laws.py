"""Budgets, whatever the scripts and whenever it is cancelled: nothing passes them, and nothing stays reserved behind a run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.budget import Account, Budget, from_nano
from llmesc.escalation.events import AttemptFinished, AttemptStarted
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.resolution import Offering, Price, Tier
from llmesc.escalation.times import Timestamp
from tests.escalation.laws import violations
from tests.escalation.test_hedging import HEDGED, of, played
from tests.escalation.test_hedging_laws import Metered, hedged_worlds
from tests.escalation.world import MemoryHealth, Silence, Step, World, answer, candidate, failing, run_virtually, world

NOW = Timestamp(1_700_001_000.0)
PRICE = Price(input_per_million=Decimal(100), output_per_million=Decimal(1_000))
MOST = Decimal("0.06")
"""A call of one with 50 tokens of an answer costs a little less."""

budgets = st.lists(
    st.builds(
        Budget,
        per=st.sampled_from(["all", "chain", "provider", "caller"]),
        daily=st.sampled_from([Decimal(0), MOST, MOST * 2, MOST * 5]),
        monthly=st.sampled_from([None, MOST * 3]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda budget: budget.per,
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Races between candidates of which some cost money, some nothing, and of some it is not known."""
    run = draw(hedged_worlds())
    prices = st.sampled_from([PRICE, PRICE, PRICE, None])
    run.chain = replace(
        run.chain,
        candidates=tuple(
            replace(each, offering=Offering(offering_id=each.ref, price=draw(prices), max_output_tokens=50))
            for each in run.chain.candidates
        ),
    )
    run.budgets = tuple(draw(budgets))
    return run


def pages(run: World) -> dict[Account, Any]:
    assert run.health is not None
    return run.health.book.spent(None, NOW)


def check(run: World) -> None:
    """What stands in the book after the run follows from its events, and is within the budgets."""
    started = {event.attempt: event for event in of(AttemptStarted, run.events)}
    expected: dict[Account, Decimal] = {}
    for event in of(AttemptFinished, run.events):
        reserved = started[event.attempt].reserved
        free = event.resolution.offering.price is None and event.resolution.tier.self_hosted
        assert (reserved is None) == free, "whoever may send a bill has its money, or is known to be held to nothing"
        for page in reserved.pages if reserved else ():
            cost = reserved.dollars if event.cost is None else event.cost
            expected[page.account] = expected.get(page.account, Decimal(0)) + cost
    found = pages(run)
    assert {account: spent.settled for account, spent in found.items() if spent.settled} == {
        account: dollars for account, dollars in expected.items() if dollars
    }
    assert all(spent.reserved == 0 for spent in found.values()), "nothing stays reserved"
    for budget in run.budgets:
        for account, spent in found.items():
            if account.bucket.partition(":")[0] == budget.per and (limit := budget.limit(account.period)) is not None:
                assert spent.total <= limit


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_they_hold_for_every_race(run: World) -> None:
    played(run)

    check(run)


@given(worlds(), st.floats(0, 12))
@settings(max_examples=150, deadline=None)
def test_they_hold_for_a_race_that_is_cancelled_at_any_time(run: World, after_seconds: float) -> None:
    async def main(loop: Any) -> None:
        async with run.run(loop) as handle:
            await asyncio.sleep(after_seconds)
            handle.cancel()
            await handle.finished()

    run_virtually(main)

    assert violations(run.events, run.limits.max_attempts) == []
    check(run)


@given(worlds(), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_they_hold_for_a_race_that_is_left_at_any_await(run: World, steps_before: int) -> None:
    async def main(loop: Any) -> None:
        async with run.run(loop):
            for _ in range(steps_before):
                await asyncio.sleep(0.03)

    run_virtually(main)

    check(run)


BILLED: Sequence[Sequence[Step]] = (
    answer(),
    [Silence(5), *answer()],
    [Silence(1), *failing(FailureKind.SERVER_ERROR)],
    [Silence(5), *failing(FailureKind.OVERLOADED)],
)


@given(st.lists(st.lists(st.sampled_from(BILLED), min_size=2, max_size=3), min_size=1, max_size=5), st.integers(0, 400_000_000))
@settings(max_examples=100, deadline=None)
def test_runs_that_are_billed_the_most_that_they_may_be_never_pass_a_budget(runs: list[list[Sequence[Step]]], nano: int) -> None:
    """Each counts its whole prompt and writes as much as it may; runs follow each other over one book."""
    health = MemoryHealth(clock=None)  # type: ignore[arg-type]  # a run brings its own
    for scripts in runs:
        people = [
            replace(candidate(f"{name}/m", Tier.CLOUD), offering=Offering(offering_id=name, price=PRICE))
            for name in "abc"[: len(scripts)]
        ]
        run = world(*((each, [script]) for each, script in zip(people, scripts, strict=True)), limits=HEDGED, health=health)
        run.providers = {ref: Metered(provider.scripts) for ref, provider in run.providers.items()}
        run.request = replace(run.request, max_output_tokens=50)
        run.budgets = (Budget(per="all", daily=from_nano(nano)),)
        health.known.clear()
        health.buckets.clear()

        played(run)

        spent = health.book.spent([Account("all", "day")], NOW)[Account("all", "day")]
        assert spent.total <= from_nano(nano)
        assert spent.reserved == 0
