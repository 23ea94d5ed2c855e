"""What budgets do to a run: who is passed over, what is reserved, what is settled, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import Any

import pytest

from llmesc.escalation.budget import LEASE_GRACE_SECONDS, Account, Budget, begins_anew
from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Released
from llmesc.escalation.events import AttemptFinished, AttemptStarted, CandidateSkipped, Event, RunFinished, RunOutcome
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import ask_for
from llmesc.escalation.resolution import Offering, Price, Resolution, Tier
from llmesc.escalation.times import Timestamp
from tests.escalation.world import Bench, MemoryHealth, Silence, World, answer, asking, candidate, failing, world

NOW = Timestamp(1_700_001_000.0)
"""When the virtual loop's clock begins."""

WELL = [answer()]
PRICE = Price(input_per_million=Decimal(1), output_per_million=Decimal(10))
COST = Decimal("0.00006")
"""Of `WELL`: 10 tokens in, 5 out."""
MOST = (ceil(ask_for("What is Raft?").estimated_tokens * 1.25) + 10 * Decimal(1_000)) / 1_000_000
"""Of a call whose answer may have 1,000 tokens, and whose prompt a quarter more than it is estimated."""


def priced(ref: str, tier: Tier = Tier.CLOUD, price: Price | None = PRICE, longest: int | None = 1_000) -> Resolution:
    return replace(candidate(ref, tier), offering=Offering(offering_id=ref, price=price, max_output_tokens=longest))


A, B = priced("a/m"), priced("b/m", Tier.FRONTIER)


def daily(amount: str | Decimal, per: Any = "provider", **more: Any) -> tuple[Budget, ...]:
    return (Budget(per=per, daily=Decimal(amount), **more),)


def of(kind: type[Event], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def story(events: Sequence[Event]) -> list[str]:
    """Who was called and who was skipped for what."""
    told = []
    for event in events:
        if isinstance(event, AttemptStarted):
            told.append(event.resolution.ref)
        elif isinstance(event, CandidateSkipped):
            told.append(f"{event.resolution.ref} {event.reason}")
    return told


def end(events: Sequence[Event]) -> RunFinished:
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last


def on(run: World, bucket: str) -> tuple[Decimal, Decimal]:
    """Settled and reserved today."""
    assert run.health is not None
    account = Account(bucket, "day")
    spent = run.health.book.spent([account], NOW)[account]
    return spent.settled, spent.reserved


class TestReserving:
    def test_the_most_that_a_call_can_cost_is_reserved_before_it_and_what_it_cost_is_settled_after(self) -> None:
        run = world(
            (A, WELL), budgets=(*daily("1"), *daily("1", "chain"), *daily("1", "caller"), *daily("2", "all", monthly=Decimal(9)))
        )

        [started] = of(AttemptStarted, run.play())

        assert run.health is not None
        [claim] = run.health.claims
        assert (claim.run_id, claim.attempt, claim.dollars) == ("r1", 1, MOST)
        assert claim.lease_seconds == run.limits.deadline_seconds + LEASE_GRACE_SECONDS
        assert started.reserved.dollars == MOST
        buckets = ["chain:test", "provider:a", "caller:test", "all", "all"]
        assert [page.bucket for page in started.reserved.pages] == buckets
        assert [on(run, bucket) for bucket in buckets] == [(COST, 0)] * 5

    @pytest.mark.parametrize(("request_says", "reserved"), [(None, 1_000), (100, 100), (5_000, 1_000)])
    def test_as_long_as_the_answer_may_become(self, request_says: int | None, reserved: int) -> None:
        run = world((A, WELL), budgets=daily("1"))
        run.request = replace(run.request, max_output_tokens=request_says)

        run.play()

        assert run.health is not None
        assert run.health.claims[0].dollars == MOST - Decimal(10 * (1_000 - reserved)) / 1_000_000
        assert run.providers["a/m"].calls[0].request.max_output_tokens == request_says

    def test_an_answer_of_which_nobody_says_how_long_it_may_become_is_limited(self) -> None:
        run = world((priced("a/m", longest=None), WELL), budgets=daily("1"))

        [started] = of(AttemptStarted, run.play())

        assert run.providers["a/m"].calls[0].request.max_output_tokens == started.allowance.output_tokens == 8_192
        assert started.reserved.dollars == MOST + Decimal(10 * 7_192) / 1_000_000

    def test_no_more_than_the_money_of_the_run_allows(self) -> None:
        run = world((A, WELL), budgets=daily("1"), limits=Limits(max_cost=Decimal("0.002")))

        [started] = of(AttemptStarted, run.play())

        assert Decimal("0.0019") < started.reserved.dollars < Decimal("0.00201")

    def test_thinking_is_reserved_at_its_own_price_where_that_is_higher(self) -> None:
        run = world((priced("a/m", price=replace(PRICE, reasoning_per_million=Decimal(20))), WELL), budgets=daily("1"))

        [started] = of(AttemptStarted, run.play())

        assert started.reserved.dollars == MOST + Decimal(10 * 1_000) / 1_000_000

    def test_without_budgets_nobody_is_asked_anything(self) -> None:
        run = world((A, WELL))

        [started] = of(AttemptStarted, run.play())

        assert run.health is not None
        assert (run.health.claims, run.health.looks, started.reserved) == ([], 0, None)

    @pytest.mark.parametrize(
        "free", [candidate("a/m"), priced("a/m", price=Price(input_per_million=Decimal(0), output_per_million=Decimal(0)))]
    )
    def test_what_costs_nothing_is_called_whatever_is_left(self, free: Resolution) -> None:
        run = world((free, WELL), budgets=(*daily("0"), *daily("0", "all")))

        assert story(run.play()) == ["a/m"]
        assert run.health is not None and run.health.claims == []

    def test_each_round_of_tools_is_a_call_of_its_own(self) -> None:
        run = world((A, [asking("look_up"), answer()]), budgets=daily("1"), toolbox=Bench().toolbox())

        started = of(AttemptStarted, run.play())

        assert run.health is not None
        assert [claim.attempt for claim in run.health.claims] == [event.attempt for event in started] == [1, 2]
        assert run.health.claims[1].dollars > run.health.claims[0].dollars, "the prompt has grown"


class TestOverBudget:
    def test_the_next_candidate_of_another_provider_answers(self) -> None:
        run = world((A, WELL), (B, WELL), budgets=daily("0.001", name="a"))

        events = run.play()

        assert story(events) == ["a/m over_budget", "b/m"]
        [skipped] = of(CandidateSkipped, events)
        assert skipped.detail == "daily budget of provider a: the call may cost $0.0100, $0.0010 of $0.0010 is left"
        assert skipped.retry_at == begins_anew("day", NOW)
        assert end(events).outcome is RunOutcome.ANSWERED

    def test_what_the_run_itself_spent_counts(self) -> None:
        second = priced("a/n")
        failed = [[*answer("bad")]]
        run = world((A, failed), (second, failed), (B, WELL), budgets=daily(MOST + COST / 2, name="a"))

        assert story(run.play()) == ["a/m", "a/n over_budget", "b/m"]
        assert on(run, "provider:a") == (COST, 0)

    def test_a_run_of_which_every_call_could_pass_a_budget_ends_and_says_when_it_begins_anew(self) -> None:
        run = world((A, WELL), (B, WELL), budgets=(*daily("0.001"), Budget(per="provider", name="b", monthly=Decimal("0.001"))))

        events = run.play()

        assert story(events) == ["a/m over_budget", "b/m over_budget"]
        assert (end(events).outcome, end(events).totals.attempts) == (RunOutcome.DEADLINE, 0)
        assert end(events).retry_at == begins_anew("day", NOW), "the soonest"

    def test_one_that_another_process_was_faster_to_reserve_is_passed_over_and_its_probe_given_back(self) -> None:
        cause = Cause(kind="overloaded", message="it was", at=NOW)
        cooled = Circuit(state=CircuitState.OPEN, generation=1, opened_at=NOW, retry_at=NOW, opens=1, cause=cause)
        run = world((A, WELL), (B, WELL), budgets=daily(MOST, name="a"), circuits={A.circuit_key: cooled})
        run.health = MemoryHealth(clock=None, known=dict(run.circuits), taken_meanwhile="0.001")  # type: ignore[arg-type]

        events = run.play()

        assert story(events) == ["a/m over_budget", "b/m"]
        assert any(isinstance(signal, Released) for key, signal in run.health.signals if key == A.circuit_key)

    def test_a_best_answer_below_the_bar_is_kept(self) -> None:
        run = world((A, [[*answer("bad")]]), (B, WELL), budgets=daily("0.001", name="b"))

        events = run.play()

        assert story(events) == ["a/m", "b/m over_budget"]
        assert end(events).outcome is RunOutcome.BELOW_BAR


class TestUnpriced:
    UNKNOWN = priced("a/m", price=None)

    def test_what_has_no_known_price_is_let_through_and_that_is_said(self) -> None:
        run = world(
            (self.UNKNOWN, [failing(FailureKind.SERVER_ERROR), answer()]), (priced("c/m", price=None), WELL), budgets=daily("0")
        )

        assert story(run.play()) == ["a/m", "c/m"]
        assert run.warnings == [
            "a/m: no price is known, so no budget holds its calls; say its price, or deny it",
            "c/m: no price is known, so no budget holds its calls; say its price, or deny it",
        ]

    def test_that_is_said_once_however_often_it_is_called(self) -> None:
        run = world((self.UNKNOWN, [asking("look_up"), answer()]), budgets=daily("1"), toolbox=Bench().toolbox())

        assert story(run.play()) == ["a/m", "a/m"]
        assert len(run.warnings) == 1

    def test_or_refused_where_the_budget_says_so(self) -> None:
        run = world((self.UNKNOWN, WELL), (B, WELL), budgets=daily("1", unpriced="refuse"))

        events = run.play()

        assert story(events) == ["a/m no_price", "b/m"]
        [skipped] = of(CandidateSkipped, events)
        assert (skipped.detail, skipped.retry_at) == ("the budget of provider a refuses what has no known price", None)
        assert run.warnings == []

    def test_a_price_that_is_found_after_the_answer_counts(self) -> None:
        async def found(_: Resolution) -> Price:
            return PRICE

        run = world((self.UNKNOWN, WELL), budgets=daily("1"), price_of=found)

        run.play()

        assert on(run, "provider:a") == (COST, 0)


class TestHedges:
    def test_both_reserve_and_the_one_that_lost_settles_its_estimate(self) -> None:
        run = world((A, [[Silence(10), *answer()]]), (B, WELL), budgets=daily("1", "all"), limits=Limits(hedge_after=2.0))

        events = run.play()

        first, hedge = of(AttemptStarted, events)
        assert (first.reserved.dollars, hedge.reserved.dollars, hedge.hedges) == (MOST, MOST, 1)
        lost = next(event for event in of(AttemptFinished, events) if event.lost_to is not None)
        assert lost.cost == Decimal(run.request.estimated_tokens) / 1_000_000, "its prompt"
        assert on(run, "all") == (lost.cost + COST, 0)

    def test_there_is_no_hedge_where_the_budget_does_not_hold_both_and_it_may_still_follow(self) -> None:
        fails = [[Silence(10), *failing(FailureKind.OVERLOADED)]]
        run = world((A, fails), (B, WELL), budgets=daily(MOST * 3 / 2, "all"), limits=Limits(hedge_after=2.0))

        started = of(AttemptStarted, run.play())

        assert [(event.resolution.ref, event.hedges) for event in started] == [("a/m", None), ("b/m", None)]

    def test_nor_where_another_process_was_faster(self) -> None:
        class Late(MemoryHealth):
            async def reserve(self, claim: Any) -> Any:
                if claim.attempt == 2 and not any(one.attempt == 2 for one in self.claims):
                    self.taken_meanwhile = "0.995"
                return await super().reserve(claim)

        run = world((A, [[Silence(10), *answer()]]), (B, WELL), budgets=daily("1", "all"), limits=Limits(hedge_after=2.0))
        run.health = Late(clock=None)  # type: ignore[arg-type]

        events = run.play()

        assert story(events) == ["a/m"]
        assert end(events).outcome is RunOutcome.ANSWERED
