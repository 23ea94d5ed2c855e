"""One envelope over the whole run: time, money and calls; waiting; the retry budget; what is done when every circuit is open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Failed, Lease, Released
from llmesc.escalation.envelope import SHARE_SPENT
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptStarted,
    CandidateSkipped,
    Event,
    ProviderFailed,
    ProviderSwitched,
    RunFinished,
    RunOutcome,
    Waiting,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.resolution import Offering, Price, Tier
from llmesc.escalation.retry_budget import Bucket, RetryPolicy
from llmesc.escalation.times import Timestamp
from tests.escalation.world import (
    MemoryHealth,
    Say,
    Silence,
    World,
    answer,
    candidate,
    failing,
    run_virtually,
    world,
)

A, B, C = candidate("a/m"), candidate("b/m", Tier.CLOUD), candidate("c/m", Tier.FRONTIER)
START = 1_700_000_000.0 + 1000.0
"""The wall clock when a virtual run begins."""

HANGS = [[Silence(10_000)]]
WELL = [answer()]


def of(kind: type[Event], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def called(events: Sequence[Event]) -> list[str]:
    return [event.resolution.ref for event in of(AttemptStarted, events)]


def skips(events: Sequence[Event]) -> dict[str, str]:
    return {event.resolution.ref: event.reason for event in of(CandidateSkipped, events)}


def end(events: Sequence[Event]) -> RunFinished:
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last


def seconds(events: Sequence[Event]) -> float:
    return round(end(events).totals.duration_seconds, 3)


def knowing(run: World, *, fast: dict[str, Latency] | None = None, tokens: float | None = None) -> World:
    """`run`, in a world that knows how fast candidates are, and that has so many tokens left."""
    run.health = MemoryHealth(clock=None, known=dict(run.circuits))  # type: ignore[arg-type] - the run sets it
    for ref, latency in (fast or {}).items():
        key = next(each.model_key for each in run.chain.candidates if each.ref == ref)
        run.health.fast[key] = [latency] * 10
    if tokens is not None:
        run.health.buckets["test"] = Bucket(tokens, Timestamp(START))
    return run


def open_by(kind: FailureKind, until: float) -> Circuit:
    cause = Cause(kind=kind, message="on purpose", at=Timestamp(START))
    at = Timestamp(START + until)
    return Circuit(state=CircuitState.OPEN, generation=1, opened_at=Timestamp(START), retry_at=at, opens=1, cause=cause)


class TestTime:
    def test_one_that_hangs_leaves_those_behind_it_their_share(self) -> None:
        events = world((A, HANGS), (B, HANGS), (C, WELL), limits=Limits(deadline_seconds=40)).play()

        assert end(events).outcome is RunOutcome.ANSWERED
        assert called(events) == ["a/m", "b/m", "c/m"]
        assert [(each.allowance.seconds, each.allowance.of_seconds) for each in of(AttemptStarted, events)] == [
            (20, 40),
            (10, 20),
            (10, 10),
        ]
        assert seconds(events) == 30

    def test_a_share_that_is_used_up_is_a_timeout_of_the_runs_own_making(self) -> None:
        run = world((A, HANGS), (B, WELL), limits=Limits(deadline_seconds=40))

        events = run.play()

        [failed] = of(ProviderFailed, events)
        assert (failed.failure.kind, failed.failure.rule) == (FailureKind.TIMEOUT, SHARE_SPENT)
        assert run.health is not None
        assert [key for key, signal in run.health.signals if isinstance(signal, Failed)] == [], "nobody is blamed"

    def test_who_breached_a_limit_of_its_own_is_blamed(self) -> None:
        run = world((A, HANGS), (B, WELL), limits=Limits(deadline_seconds=40), timeouts=Timeouts(first_token_seconds=5))

        events = run.play()

        assert [event.failure.rule for event in of(ProviderFailed, events)] == ["liveness.first_token"]
        assert run.health is not None
        assert [key for key, signal in run.health.signals if isinstance(signal, Failed)] == [A.circuit_key]

    def test_its_endpoint_is_passed_over_for_this_request(self) -> None:
        one, two = candidate("a/m", endpoint="http://lab"), candidate("a@two/m", endpoint="http://lab")

        events = world((one, HANGS), (two, WELL), (B, WELL), limits=Limits(deadline_seconds=40)).play()

        assert skips(events) == {"a@two/m": "same_endpoint"}

    def test_a_probe_whose_share_is_spent_gives_its_lease_back(self) -> None:
        cooled = replace(open_by(FailureKind.OVERLOADED, -1), opened_at=Timestamp(START - 60))
        run = world((A, HANGS), (B, WELL), limits=Limits(deadline_seconds=40), circuits={A.circuit_key: cooled})

        run.play()

        assert run.health is not None
        assert any(isinstance(signal, Released) for _, signal in run.health.signals)
        assert run.health.known[A.circuit_key].lease is None

    def test_the_last_one_has_all_that_is_left_and_is_not_blamed_when_time_ends(self) -> None:
        run = world((A, HANGS), limits=Limits(deadline_seconds=20))

        events = run.play()

        assert (end(events).outcome, seconds(events)) == (RunOutcome.DEADLINE, 20)
        assert [event.outcome.value for event in of(AttemptFinished, events)] == ["cancelled"]
        assert of(ProviderFailed, events) == []

    def test_who_may_not_be_called_any_more_keeps_no_share(self) -> None:
        limits = Limits(deadline_seconds=40, max_attempts=2)
        shut = {B.circuit_key: open_by(FailureKind.OVERLOADED, 60)}

        events = world((A, HANGS), (B, WELL), (C, WELL), limits=limits, circuits=shut).play()

        assert [each.allowance.seconds for each in of(AttemptStarted, events)] == [20, 20]
        alone = world((A, WELL), (B, WELL), limits=replace(limits, max_attempts=1)).play()
        assert [each.allowance.seconds for each in of(AttemptStarted, alone)] == [40]

    def test_one_that_is_known_to_be_quick_keeps_little(self) -> None:
        run = knowing(world((A, WELL), (B, WELL), limits=Limits(deadline_seconds=40)), fast={"b/m": Latency(0.5, 2.0)})

        [first] = of(AttemptStarted, run.play())

        assert first.allowance.seconds == 39.5

    def test_one_that_cannot_begin_in_time_is_passed_over(self) -> None:
        run = knowing(world((A, WELL), (B, WELL), limits=Limits(deadline_seconds=5)), fast={"a/m": Latency(8.0, 20.0)})

        events = run.play()

        assert skips(events) == {"a/m": "no_time"}
        assert of(CandidateSkipped, events)[0].detail == "its first token usually takes 8.0 s, 5.0 s are left"
        assert end(events).outcome is RunOutcome.ANSWERED

    def test_where_nobody_can_begin_in_time_the_run_ends_by_its_deadline_at_once(self) -> None:
        run = knowing(world((A, WELL), limits=Limits(deadline_seconds=5)), fast={"a/m": Latency(8.0, 20.0)})

        events = run.play()

        assert (end(events).outcome, seconds(events), called(events)) == (RunOutcome.DEADLINE, 0, [])


def priced(ref: str, tier: Tier, input_price: str = "1", output_price: str = "10") -> Any:
    price = Price(input_per_million=Decimal(input_price), output_per_million=Decimal(output_price))
    return replace(candidate(ref, tier), offering=Offering(offering_id=ref, price=price))


class TestMoney:
    def test_the_answer_is_limited_to_what_the_cap_pays_for(self) -> None:
        dear = priced("b/m", Tier.CLOUD)
        run = world((dear, WELL), limits=Limits(max_cost=Decimal("0.005")))

        [started] = of(AttemptStarted, run.play())

        [call] = run.providers["b/m"].calls
        assert call.request.max_output_tokens == started.allowance.output_tokens
        assert 400 < (started.allowance.output_tokens or 0) < 500
        assert started.allowance.dollars == Decimal("0.005")

    def test_without_a_cap_it_is_as_long_as_it_likes(self) -> None:
        run = world((priced("b/m", Tier.CLOUD), WELL))

        [started] = of(AttemptStarted, run.play())

        assert (started.allowance.dollars, started.allowance.output_tokens) == (None, None)
        assert run.providers["b/m"].calls[0].request.max_output_tokens is None

    def test_what_the_first_one_cost_is_not_there_for_the_next(self) -> None:
        bad = [[Say("bad"), *answer("")[1:]]]
        run = world(
            (priced("b/m", Tier.CLOUD), bad), (priced("c/m", Tier.FRONTIER), WELL), limits=Limits(max_cost=Decimal("0.01"))
        )

        first, second = of(AttemptStarted, run.play())

        assert first.allowance.dollars - second.allowance.dollars == Decimal("0.00006"), "10 tokens in, 5 out"

    def test_one_that_the_rest_does_not_pay_for_is_passed_over(self) -> None:
        run = world(
            (A, failing_once()), (priced("c/m", Tier.FRONTIER, "1", "1000"), WELL), limits=Limits(max_cost=Decimal("0.01"))
        )

        events = run.play()

        assert (called(events), skips(events)) == (["a/m"], {"c/m": "over_budget"})
        assert end(events).outcome is RunOutcome.DEADLINE


def failing_once(kind: FailureKind = FailureKind.OVERLOADED, **more: Any) -> list[Any]:
    return [failing(kind, **more), answer()]


LIMITED = failing_once(FailureKind.RATE_LIMIT, retry_after_seconds=5.0)


class TestWaiting:
    def test_by_default_another_one_is_called_at_once_and_what_either_costs_is_told(self) -> None:
        dear = priced("c/m", Tier.FRONTIER)

        events = world((A, LIMITED), (dear, WELL)).play()

        assert (called(events), of(Waiting, events), seconds(events)) == (["a/m", "c/m"], [], 0)
        [switch] = of(ProviderSwitched, events)
        assert (switch.instead_of.resolution, switch.instead_of.at, switch.instead_of.cost) == (A, START + 5, Decimal(0))
        assert switch.cost > Decimal("0.004")

    def test_a_lower_tier_is_waited_for_before_a_higher_one_is_paid(self) -> None:
        dear = priced("c/m", Tier.FRONTIER)

        events = world((A, LIMITED), (dear, WELL), limits=Limits(wait_or_escalate="wait")).play()

        assert (called(events), seconds(events)) == (["a/m", "a/m"], 5)
        [waiting] = of(Waiting, events)
        assert (waiting.resolution, waiting.because, waiting.until, waiting.cost) == (A, "rate_limit", START + 5, Decimal(0))
        assert (waiting.instead_of.resolution, waiting.instead_of.at) == (dear, None)
        assert waiting.instead_of.cost > Decimal("0.004")

    def test_it_is_waited_for_once_and_the_other_one_called_where_it_is_busy_again(self) -> None:
        limited = failing(FailureKind.RATE_LIMIT, retry_after_seconds=5.0)

        events = world((A, [limited]), (C, WELL), limits=Limits(wait_or_escalate="wait", max_attempts=5)).play()

        assert (called(events), seconds(events)) == (["a/m", "a/m", "c/m"], 5)

    def test_a_circuit_that_a_rate_limit_opened_is_waited_for_too(self) -> None:
        shut = {A.circuit_key: open_by(FailureKind.RATE_LIMIT, 7)}

        events = world((A, WELL), (C, WELL), circuits=shut, limits=Limits(wait_or_escalate="wait")).play()

        assert (called(events), seconds(events)) == (["a/m"], 7)

    def test_one_that_is_broken_is_not(self) -> None:
        shut = {A.circuit_key: open_by(FailureKind.OVERLOADED, 7)}

        events = world((A, WELL), (C, WELL), circuits=shut, limits=Limits(wait_or_escalate="wait")).play()

        assert (called(events), seconds(events)) == (["c/m"], 0)

    def test_the_deadline_outranks_the_price(self) -> None:
        events = world((A, LIMITED), (C, WELL), limits=Limits(wait_or_escalate="wait", deadline_seconds=10)).play()

        assert (called(events), seconds(events)) == (["a/m", "c/m"], 0), "5 s of 10, with jitter, is more than half"

    def test_cheaper_waits_for_the_cheaper_account(self) -> None:
        cheap, dear = priced("b/m", Tier.CLOUD, "0.1", "1"), priced("b@two/m", Tier.CLOUD)

        events = world((cheap, LIMITED), (dear, WELL), limits=Limits(wait_or_escalate="cheaper")).play()

        assert called(events) == ["b/m", "b/m"]

    def test_where_nobody_else_is_left_it_is_waited_for_with_its_jitter(self) -> None:
        events = world((A, LIMITED)).play()

        assert (called(events), seconds(events)) == (["a/m", "a/m"], 5)
        assert of(Waiting, events)[0].instead_of is None

    def test_a_wait_that_would_take_all_the_time_is_not_begun(self) -> None:
        events = world((A, LIMITED), limits=Limits(deadline_seconds=5.4)).play()

        assert (end(events).outcome, seconds(events)) == (RunOutcome.EXHAUSTED, 0)
        assert end(events).retry_at == START + 5

    def test_a_probe_elsewhere_is_looked_at_until_it_has_ended(self) -> None:
        run = world((A, WELL), limits=Limits(deadline_seconds=60), circuits={A.circuit_key: probed_elsewhere()})

        async def main(loop: Any) -> list[Event]:
            async def end_of_the_probe() -> None:
                await asyncio.sleep(12.2)
                assert run.health is not None
                run.health.known[A.circuit_key] = Circuit(generation=3)

            other = asyncio.create_task(end_of_the_probe())
            async with run.run(loop) as handle:
                events = [event async for event in handle]
            await other
            return events

        events = run_virtually(main)

        assert (called(events), end(events).outcome) == (["a/m"], RunOutcome.ANSWERED)
        assert of(Waiting, events)[0].because == "probe_elsewhere"
        assert seconds(events) == 12.5, "within half a second of its end"

    def test_a_probe_elsewhere_that_does_not_end_is_waited_for_to_the_deadline_and_no_longer(self) -> None:
        run = world((A, WELL), limits=Limits(deadline_seconds=20), circuits={A.circuit_key: probed_elsewhere()})

        events = run.play()

        assert (end(events).outcome, seconds(events), called(events)) == (RunOutcome.DEADLINE, 20, [])

    @pytest.mark.parametrize("limits", [Limits(wait=False), Limits(escalation=False)])
    def test_who_must_not_wait_does_not(self, limits: Limits) -> None:
        events = world((A, LIMITED), limits=limits).play()

        assert (called(events), seconds(events)) == (["a/m"], 0)


def probed_elsewhere() -> Circuit:
    lease = Lease(token="theirs", holder="host:2", expires_at=Timestamp(START + 150))
    return Circuit(state=CircuitState.HALF_OPEN, generation=2, opened_at=Timestamp(START - 60), opens=1, lease=lease)


class TestRetryBudget:
    def test_failures_cost_and_answers_refund(self) -> None:
        run = knowing(world((A, failing_once()), (B, WELL)), tokens=80.0)

        run.play()

        assert run.health is not None
        assert run.health.buckets["test"].tokens == pytest.approx(79.1)

    @pytest.mark.parametrize("kind", [FailureKind.PAYLOAD, FailureKind.CONTEXT_OVERFLOW, FailureKind.CONTENT_POLICY])
    def test_what_is_wrong_with_the_request_costs_nothing(self, kind: FailureKind) -> None:
        run = knowing(world((A, failing_once(kind))), tokens=80.0)

        run.play()

        assert run.health is not None
        assert run.health.buckets["test"].tokens == 80

    def test_an_answer_below_the_bar_is_an_answer(self) -> None:
        run = knowing(world((A, [answer("bad")])), tokens=80.0)

        run.play()

        assert run.health is not None
        assert run.health.buckets["test"].tokens == pytest.approx(80.1)

    def test_at_half_or_less_nobody_is_called_beyond_the_first_fallback(self) -> None:
        bad = failing_once()
        run = knowing(world((A, bad), (B, bad), (C, WELL)), tokens=51.0)

        events = run.play()

        assert (called(events), skips(events)) == (["a/m", "b/m"], {"c/m": "retry_budget"})
        assert end(events).outcome is RunOutcome.EXHAUSTED
        skip = of(CandidateSkipped, events)[0]
        assert skip.detail == "too many calls of chain test have failed lately: 49 of 100 tokens are left, half or less"

    def test_above_half_all_attempts_are_made(self) -> None:
        bad = failing_once()
        run = knowing(world((A, bad), (B, bad), (C, WELL)), tokens=60.0)

        assert end(run.play()).outcome is RunOutcome.ANSWERED

    def test_without_a_budget_all_attempts_are_made(self) -> None:
        bad = failing_once()
        run = knowing(world((A, bad), (B, bad), (C, WELL), limits=Limits(retries=RetryPolicy(tokens=0))), tokens=0.0)

        assert end(run.play()).outcome is RunOutcome.ANSWERED

    def test_nor_is_anybody_waited_for(self) -> None:
        run = knowing(world((A, failing_once()), (B, LIMITED)), tokens=20.0)

        events = run.play()

        assert (called(events), of(Waiting, events)) == (["a/m", "b/m"], [])


class TestEveryCircuitOpen:
    SHUT = {A.circuit_key: open_by(FailureKind.OVERLOADED, 60), B.circuit_key: open_by(FailureKind.TIMEOUT, 40)}  # noqa: RUF012

    def test_by_default_the_run_fails_at_once_and_says_when(self) -> None:
        events = world((A, WELL), (B, WELL), circuits=self.SHUT).play()

        assert (end(events).outcome, end(events).retry_at, called(events)) == (RunOutcome.NOTHING_CALLABLE, START + 40, [])

    def test_or_the_first_of_the_chain_is_tried_all_the_same(self) -> None:
        run = world((A, WELL), (B, WELL), circuits=self.SHUT, limits=Limits(all_open="try"))

        events = run.play()

        assert (end(events).outcome, called(events)) == (RunOutcome.ANSWERED, ["a/m"])
        assert [event.against_circuit for event in of(AttemptStarted, events)] == [True]
        assert run.health is not None
        assert run.health.known[A.circuit_key].state is CircuitState.OPEN, "only a probe closes it"

    def test_one_call_and_no_more(self) -> None:
        events = world((A, failing_once()), (B, WELL), circuits=self.SHUT, limits=Limits(all_open="try")).play()

        assert (end(events).outcome, called(events)) == (RunOutcome.EXHAUSTED, ["a/m"])

    @pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.ACCOUNT, FailureKind.RATE_LIMIT])
    def test_what_a_call_will_not_heal_is_tried_last(self, kind: FailureKind) -> None:
        shut = self.SHUT | {A.circuit_key: open_by(kind, 600)}

        events = world((A, WELL), (B, WELL), circuits=shut, limits=Limits(all_open="try")).play()

        assert called(events) == ["b/m"]

    def test_not_while_somebody_can_be_called(self) -> None:
        shut = {A.circuit_key: self.SHUT[A.circuit_key]}

        events = world((A, WELL), (B, failing_once()), circuits=shut, limits=Limits(all_open="try")).play()

        assert called(events) == ["b/m"]


@st.composite
def troubled(draw: Any) -> World:
    """Candidates that hang, fail, are slow, are rate-limited or answer; some known to be fast or slow; few seconds."""
    scripts = st.sampled_from(
        [
            HANGS,
            WELL,
            LIMITED,
            failing_once(),
            [[Silence(3.0), *answer()]],
            [[Say("Some"), Silence(30.0), *answer()]],
            [[Say(f"{'word ' * 20}", 0.9)] * 30 + answer()],
            [answer("bad")],
        ]
    )
    tiers = [Tier.LOCAL, Tier.VLLM, Tier.CLOUD, Tier.FRONTIER]
    chain = [(priced(f"p{index}/m", tiers[index]), draw(scripts)) for index in range(draw(st.integers(1, 4)))]
    limits = Limits(
        deadline_seconds=draw(st.sampled_from([0.5, 2.0, 7.0, 40.0])),
        max_attempts=draw(st.integers(1, 5)),
        wait_or_escalate=draw(st.sampled_from(["wait", "escalate", "cheaper"])),
        all_open=draw(st.sampled_from(["fail", "try"])),
        max_cost=draw(st.sampled_from([None, Decimal("0.002"), Decimal("0.02")])),
    )
    run = world(*chain, limits=limits, timeouts=Timeouts(first_token_seconds=draw(st.sampled_from([1.0, 5.0, 30.0]))))
    known = {ref: Latency(first, first + 2) for ref in run.providers if (first := draw(st.sampled_from([0.0, 0.2, 4.0])))}
    return knowing(run, fast=known, tokens=draw(st.sampled_from([100.0, 51.0, 10.0])))


@given(troubled())
@settings(max_examples=150, deadline=None)
def test_no_run_is_longer_than_its_deadline_or_makes_more_calls_than_it_may(run: World) -> None:
    limits = run.limits
    events = run.play()

    assert end(events).totals.duration_seconds <= limits.deadline_seconds + 0.001
    made = of(AttemptStarted, events)
    assert len(made) <= limits.max_attempts
    assert sum(len(provider.calls) for provider in run.providers.values()) == len(made)
    for event in made:
        assert event.allowance.seconds <= event.allowance.of_seconds <= limits.deadline_seconds + 0.001
    for started, finished in zip(made, of(AttemptFinished, events), strict=True):
        assert finished.duration_seconds <= started.allowance.seconds + 0.001
    if limits.max_cost is not None:
        assert all(event.allowance.dollars <= limits.max_cost for event in made)
