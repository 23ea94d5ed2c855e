"""Hedging: the next candidate beside a silent one; first content wins, and nobody is blamed for being slower."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.circuits import Circuit, CircuitState, Failed, Released, Succeeded
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptStarted,
    CandidateSkipped,
    Event,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.hedging import silence_allowed
from llmesc.escalation.latency import LEARNED_FROM_CALLS, Latency
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.pieces import Activity, Finish, Opened, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.escalation.resolution import Offering, Price, Resolution, Tier
from llmesc.escalation.retry_budget import Bucket
from llmesc.escalation.times import Timestamp
from tests.escalation.laws import violations
from tests.escalation.world import (
    Bench,
    MemoryHealth,
    Say,
    Scripted,
    Silence,
    Step,
    World,
    answer,
    asking,
    candidate,
    failing,
    run_virtually,
    world,
)

A, B, C = candidate("a/m"), candidate("b/m", Tier.CLOUD), candidate("c/m", Tier.FRONTIER)
START = 1_700_000_000.0 + 1000.0
"""The wall clock when a virtual run begins."""

HEDGED = Limits(hedge_after=2.0)
WELL = [answer()]


def late(seconds: float, text: str = "A good answer.") -> list[list[Step]]:
    return [[Silence(seconds), *answer(text)]]


def of(kind: type[Event], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def story(events: Sequence[Event]) -> list[str]:
    """Who began, beside whom, and how each ended."""
    told = []
    for event in events:
        if isinstance(event, AttemptStarted):
            told.append(f"{event.resolution.ref}{f' beside {event.hedges}' if event.hedges else ''}")
        elif isinstance(event, ProviderSwitched):
            told.append(f"to {event.to_resolution.ref}: {event.because}")
        elif isinstance(event, AttemptFinished):
            told.append(f"{event.attempt} {event.outcome}{f' for {event.lost_to}' if event.lost_to else ''}")
    return told


def end(events: Sequence[Event]) -> RunFinished:
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last


def played(run: World) -> list[Event]:
    """The events of the run, which broke no law and left no call open."""
    events = run.play()
    assert violations(events, run.limits.max_attempts) == []
    assert all(provider.closed == len(provider.calls) for provider in run.providers.values())
    return events


def settled(run: World, resolution: Resolution) -> list[str]:
    """What the circuit of a candidate was told of its calls."""
    assert run.health is not None
    told = [signal for key, signal in run.health.signals if key == resolution.circuit_key]
    return [type(signal).__name__ for signal in told if isinstance(signal, Failed | Succeeded | Released)]


class TestWhoIsFirst:
    def test_the_hedge_that_is_first_has_the_turn_and_the_other_is_blamed_for_nothing(self) -> None:
        run = world((A, late(10, "Too late.")), (B, WELL), limits=HEDGED)

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 success"]
        answered = end(events).answer
        assert answered is not None
        assert (answered.text, answered.attempt, end(events).totals.attempts) == ("A good answer.", 2, 2)
        [switch] = of(ProviderSwitched, events)
        assert (switch.tier_upgrade, switch.characters_discarded, switch.detail) == (True, 0, "a/m was silent for 2 s")
        assert end(events).totals.duration_seconds == 2
        assert (settled(run, A), settled(run, B)) == ([], ["Succeeded"])

    def test_the_hedge_that_comes_too_late_is_cancelled_and_nothing_is_announced(self) -> None:
        run = world((A, late(3)), (B, late(10)), limits=HEDGED)

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "2 cancelled for 1", "1 success"]
        assert end(events).answer is not None
        assert (settled(run, A), settled(run, B)) == (["Succeeded"], [])

    def test_at_the_same_moment_the_one_that_was_called_first_wins(self) -> None:
        assert story(played(world((A, late(3)), (B, late(1)), limits=HEDGED)))[2:] == ["2 cancelled for 1", "1 success"]

    def test_who_is_quick_enough_is_alone(self) -> None:
        run = world((A, late(1.9)), (B, WELL), limits=HEDGED)

        assert story(played(run)) == ["a/m", "1 success"]
        assert run.providers["b/m"].calls == []

    @pytest.mark.parametrize(
        "sign",
        [ThinkingPiece("Let me see"), ToolCallPiece("c", "look_up", "{}"), Activity(), Say("A good answer.")],
        ids=["thinking", "tool call", "fragment of a tool call", "text"],
    )
    def test_content_of_any_kind_is_a_sign_of_life_and_then_nobody_is_hedged(self, sign: Step) -> None:
        script = [Silence(1), sign, Silence(5), *answer()]

        assert story(played(world((A, [script]), (B, WELL), limits=HEDGED))) == ["a/m", "1 success"]

    @pytest.mark.parametrize("sign", [Opened("req"), UsagePiece(Usage(input_tokens=3))], ids=["headers", "count of tokens"])
    def test_what_is_no_content_neither_wins_nor_keeps_a_hedge_away(self, sign: Step) -> None:
        run = world((A, [[sign, *late(10)[0]]]), (B, [[sign, *late(3)[0]]]), limits=HEDGED)

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 success"]
        assert end(events).totals.duration_seconds == 5

    def test_the_loser_is_metered_its_prompt_at_least(self) -> None:
        lost = of(AttemptFinished, played(world((A, late(10)), (B, WELL), limits=HEDGED)))[0]

        assert (lost.usage.input_tokens, lost.usage.output_tokens) == (ask_for("What is Raft?").estimated_tokens, 0)
        assert lost.usage.estimated

    def test_what_the_provider_of_the_loser_counted_counts(self) -> None:
        counted = [Opened("req"), UsagePiece(Usage(input_tokens=7)), *late(10)[0]]

        lost = of(AttemptFinished, played(world((A, [counted]), (B, WELL), limits=HEDGED)))[0]

        assert (lost.usage.input_tokens, lost.usage.output_tokens, lost.usage.estimated) == (7, 0, True)
        assert (lost.request_id, lost.first_token_seconds, lost.duration_seconds) == ("req", None, 2)


class TestFailures:
    def test_an_error_of_the_hedge_never_wins_and_the_first_goes_on(self) -> None:
        run = world((A, late(10)), (B, [[Silence(1), *failing(FailureKind.OVERLOADED)]]), (C, WELL), limits=HEDGED)

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "2 error", "1 success"]
        assert settled(run, B) == ["Failed"], "its own failure is its own"

    def test_where_the_first_fails_the_hedge_goes_on_as_the_next_attempt(self) -> None:
        run = world((A, [[Silence(5), *failing(FailureKind.OVERLOADED)]]), (B, late(4)), (C, WELL), limits=HEDGED)

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "1 error", "to b/m: overloaded", "2 success"]
        assert run.providers["c/m"].calls == []

    def test_who_goes_on_so_is_hedged_in_its_turn(self) -> None:
        run = world((A, [[Silence(3), *failing(FailureKind.OVERLOADED)]]), (B, late(50)), (C, WELL), limits=HEDGED)

        assert story(played(run)) == [
            *("a/m", "b/m beside 1", "1 error", "to b/m: overloaded"),
            *("c/m beside 2", "2 cancelled for 3", "to c/m: hedge", "3 success"),
        ]

    def test_where_both_fail_the_next_is_called_once(self) -> None:
        down = failing(FailureKind.OVERLOADED)
        run = world((A, [[Silence(3), *down]]), (B, [[Silence(2), *down]]), (C, WELL), limits=HEDGED)

        assert story(played(run)) == [
            *("a/m", "b/m beside 1", "1 error", "to b/m: overloaded", "2 error"),
            *("to c/m: overloaded", "c/m", "3 success"),
        ]

    def test_an_empty_answer_is_no_content(self) -> None:
        empty = [[Finish("stop")]]

        assert story(played(world((A, late(10)), (B, empty), limits=HEDGED))) == [
            *("a/m", "b/m beside 1", "2 quality_failure", "1 success"),
        ]

    def test_an_empty_answer_that_is_good_enough_ends_the_race(self) -> None:
        run = world((A, late(10)), (B, [[Finish("stop")]]), limits=replace(HEDGED, quality_threshold=0))

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 success"]

    def test_a_filter_that_refuses_the_hedge_does_not_stop_who_was_asked_before(self) -> None:
        refuses = [failing(FailureKind.CONTENT_POLICY)]
        strict = replace(HEDGED, stop_on_content_policy=True)

        assert end(played(world((A, late(10)), (B, refuses), (C, WELL), limits=strict))).outcome is RunOutcome.ANSWERED
        fails_later = [[Silence(5), *failing(FailureKind.OVERLOADED)]]
        run = world((A, fails_later), (B, refuses), (C, WELL), limits=strict)
        assert end(played(run)).outcome is RunOutcome.POLICY
        assert run.providers["c/m"].calls == []

    def test_the_first_that_breaches_its_own_limit_meanwhile_is_blamed_as_ever(self) -> None:
        run = world((A, late(50)), (B, late(20)), limits=HEDGED, timeouts=Timeouts(first_token_seconds=10))

        events = played(run)

        assert story(events)[:4] == ["a/m", "b/m beside 1", "1 error", "to b/m: timeout"]
        assert settled(run, A) == ["Failed"]

    def test_with_its_hedge_gone_and_nobody_left_a_flawed_beginning_is_held_to_the_end(self) -> None:
        refuses = [Say("I'm sorry, but I can't help with that request. " * 5), Say("But Raft is a log."), Finish("stop")]
        run = world((A, [[Silence(5), *refuses]]), (B, [failing(FailureKind.OVERLOADED)]), limits=replace(HEDGED, gate="window"))

        events = played(run)

        assert story(events) == ["a/m", "b/m beside 1", "2 error", "1 success"]
        assert [check.passed for check in of(QualityChecked, events)] == [True], "all of it was judged"


class TestAfterTheRace:
    """Who lost failed in nothing: a run with hedges gives up no sooner than one without."""

    CUT: Sequence[Step] = [Say("Raft is"), *failing(FailureKind.CONNECTION)]

    def test_a_hedge_that_was_too_late_is_the_next_fallback_as_before(self) -> None:
        run = world((A, [[Silence(3), *self.CUT]]), (B, [late(10)[0], answer()]), (C, WELL), limits=HEDGED)

        assert story(played(run)) == [
            *("a/m", "b/m beside 1", "2 cancelled for 1", "1 error"),
            *("to b/m: connection", "b/m", "3 success"),
        ]

    def test_one_that_was_too_slow_is_asked_again_where_nobody_else_is_left(self) -> None:
        run = world((A, [late(10)[0], answer()]), (B, [self.CUT]), limits=HEDGED)

        assert story(played(run)) == [
            *("a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 error"),
            *("to a/m: connection", "a/m", "3 success"),
        ]


class TestWhoIsHedgedTo:
    def test_whom_the_fallback_would_pass_over_is_told_once(self) -> None:
        shut = Circuit(state=CircuitState.OPEN, generation=1, retry_at=Timestamp(START + 60), opens=1)
        run = world((A, [[Silence(3), *failing(FailureKind.OVERLOADED)]]), (B, WELL), (C, late(5)), limits=HEDGED)
        run.circuits = {B.circuit_key: shut}

        events = played(run)

        assert story(events) == ["a/m", "c/m beside 1", "1 error", "to c/m: overloaded", "2 success"]
        assert [(skip.resolution.ref, skip.reason) for skip in of(CandidateSkipped, events)] == [("b/m", "circuit_open")]

    def test_a_probe_is_no_hedge_and_is_not_hedged(self) -> None:
        cooled = Circuit(state=CircuitState.OPEN, generation=1, retry_at=Timestamp(START - 1), opens=1)
        hedge = world((A, late(10)), (B, WELL), limits=HEDGED, circuits={B.circuit_key: cooled})
        hedged = world((A, late(10)), (B, WELL), limits=HEDGED, circuits={A.circuit_key: cooled})

        assert story(played(hedge)) == story(played(hedged)) == ["a/m", "1 success"]
        assert hedge.health is not None
        assert hedge.health.known[B.circuit_key] == cooled, "no lease is taken for it"

    def test_a_circuit_that_turns_into_a_probe_between_a_look_and_the_call_gives_the_lease_back(self) -> None:
        cooled = Circuit(state=CircuitState.OPEN, generation=1, retry_at=Timestamp(START - 1), opens=1)

        class Changing(MemoryHealth):
            async def circuits(self, keys: Any = None) -> dict[Any, Circuit]:
                return {}

        run = world((A, late(10)), (B, WELL), limits=HEDGED)
        run.health = Changing(clock=None, known={B.circuit_key: cooled})  # type: ignore[arg-type] - the run sets it

        assert story(played(run)) == ["a/m", "1 success"]
        assert settled(run, B) == ["Released"]

    def test_the_same_endpoint_is_as_slow_and_is_left_for_later(self) -> None:
        one, two = candidate("a/m", endpoint="http://lab"), candidate("a@two/m", endpoint="http://lab")
        run = world((one, [[Silence(3), *failing(FailureKind.PAYLOAD)]]), (two, WELL), (B, [failing(FailureKind.AUTH)]))
        run.limits = replace(HEDGED, max_attempts=3)

        events = played(run)

        assert story(events)[:3] == ["a/m", "b/m beside 1", "2 auth_error"]
        assert [(skip.resolution.ref, skip.reason) for skip in of(CandidateSkipped, events)] == [("a@two/m", "same_model")]

    def test_nobody_is_hedged_where_only_the_primary_may_be_called(self) -> None:
        run = world((A, late(10)), (B, WELL), limits=replace(HEDGED, escalation=False))

        assert story(played(run)) == ["a/m", "1 success"]

    @pytest.mark.parametrize(("most", "calls"), [(1, 1), (2, 2)])
    def test_a_hedge_is_one_of_the_attempts(self, most: int, calls: int) -> None:
        run = world((A, late(10)), (B, WELL), limits=replace(HEDGED, max_attempts=most))

        assert end(played(run)).totals.attempts == calls

    @pytest.mark.parametrize(("tokens", "calls"), [(51.0, 2), (50.0, 1)])
    def test_with_half_of_the_retry_budget_gone_there_are_no_hedges(self, tokens: float, calls: int) -> None:
        run = world((A, late(10)), (B, WELL), limits=HEDGED)
        run.health = MemoryHealth(clock=None, buckets={"test": Bucket(tokens, Timestamp(START + 2))})  # type: ignore[arg-type]

        assert end(played(run)).totals.attempts == calls

    def test_a_candidate_without_its_key_is_passed_over(self) -> None:
        run = world((A, late(10)), (B, WELL), (C, WELL), limits=HEDGED, missing_credentials=frozenset({"b/m"}))

        events = played(run)

        assert story(events)[:2] == ["a/m", "c/m beside 1"]
        assert [skip.reason for skip in of(CandidateSkipped, events)] == ["no_credentials"]

    @pytest.mark.parametrize(
        ("opens_after", "answers_after", "told"),
        [
            (1.0, 10.0, ["a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 success"]),
            (5.0, 4.0, ["a/m", "1 success"]),
            (50.0, 10.0, ["a/m", "1 success"]),
        ],
    )
    def test_a_wire_that_takes_long_to_open_holds_nobody_up(self, opens_after: float, answers_after: float, told: Any) -> None:
        @dataclass
        class Slow(World):
            opened: list[str] = field(default_factory=list)

            async def _open(self, resolution: Resolution) -> Scripted:
                if resolution == B:
                    await asyncio.sleep(opens_after)
                self.opened.append(resolution.ref)
                return await super()._open(resolution)

        plain = world((A, late(answers_after)), (B, WELL), limits=HEDGED)
        run = Slow(chain=plain.chain, providers=plain.providers, limits=plain.limits)

        events = played(run)

        assert story(events) == told
        assert end(events).totals.duration_seconds == min(answers_after, 2 + opens_after)


def priced(ref: str, tier: Tier, dollars_per_thousand: int) -> Resolution:
    """Its prompt tokens cost a tenth of its output tokens."""
    price = Price(input_per_million=Decimal(100 * dollars_per_thousand), output_per_million=Decimal(1000 * dollars_per_thousand))
    return replace(candidate(ref, tier), offering=Offering(offering_id=ref, price=price))


class TestMoney:
    @pytest.mark.parametrize(("cap", "calls"), [("0.60", 0), ("1.28", 1), ("1.50", 2)])
    def test_there_is_a_hedge_where_the_cap_pays_for_both(self, cap: str, calls: int) -> None:
        a, b = priced("a/m", Tier.CLOUD, 10), priced("b/m", Tier.FRONTIER, 10)
        run = world((a, late(10)), (b, WELL), limits=replace(HEDGED, max_cost=Decimal(cap)))

        assert end(played(run)).totals.attempts == calls

    def test_the_candidate_that_the_cap_does_not_allow_beside_another_may_still_follow_it(self) -> None:
        cheap, dear = priced("a/m", Tier.CLOUD, 1), priced("b/m", Tier.FRONTIER, 10)
        fails = [[Silence(10), *failing(FailureKind.OVERLOADED)]]
        run = world((cheap, fails), (dear, WELL), limits=replace(HEDGED, max_cost=Decimal("0.66")))

        assert story(played(run)) == ["a/m", "1 error", "to b/m: overloaded", "b/m", "2 success"]


class TestCancelled:
    def test_a_cancel_in_a_race_leaves_nothing_running_and_both_on_record(self) -> None:
        run = world((A, late(50)), (B, late(50)), limits=HEDGED)

        async def main(loop: Any) -> None:
            async with run.run(loop) as handle:
                async for event in handle:
                    if isinstance(event, AttemptStarted) and event.hedges:
                        await asyncio.sleep(1)
                        handle.cancel()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run_virtually(main)

        assert story(run.events) == ["a/m", "b/m beside 1", "1 cancelled", "2 cancelled"]
        assert end(run.events).outcome is RunOutcome.CANCELLED
        assert violations(run.events, 3) == []
        assert [provider.closed for provider in run.providers.values()] == [1, 1]
        assert (settled(run, A), settled(run, B)) == ([], [])

    def test_the_deadline_ends_both(self) -> None:
        run = world((A, late(50)), (B, late(50)), limits=replace(HEDGED, deadline_seconds=3, max_attempts=2))

        events = played(run)

        assert end(events).outcome is RunOutcome.DEADLINE
        assert end(events).totals.duration_seconds == 3


class TestP95:
    def test_nothing_is_learned_of_too_few_calls(self) -> None:
        calls = [Latency(1.0, 2.0)] * (LEARNED_FROM_CALLS - 1)

        assert silence_allowed("p95", calls) is None
        assert silence_allowed("p95", [*calls, Latency(None, 2.0)]) is None, "who brought no content taught nothing"
        assert silence_allowed("p95", [*calls, Latency(3.0, 4.0)]) == 3.0

    def test_what_is_set_holds_whatever_is_known(self) -> None:
        assert silence_allowed(2.0, []) == 2.0
        assert silence_allowed("off", [Latency(1.0, 2.0)] * 50) is None

    def test_a_model_is_hedged_when_it_is_slower_than_it_usually_is(self) -> None:
        run = world((A, late(10)), (B, WELL), limits=Limits(hedge_after="p95"))
        run.health = MemoryHealth(clock=None, fast={A.model_key: [Latency(1.5, 3.0)] * 20})  # type: ignore[arg-type]

        assert end(played(run)).totals.duration_seconds == 1.5


class TestTools:
    def test_the_hedge_goes_on_with_the_rounds_that_are_finished(self) -> None:
        slow_then = [asking("look_up"), late(10)[0]]
        run = world((A, slow_then), (B, WELL), limits=HEDGED, toolbox=Bench().toolbox())

        events = played(run)

        assert story(events) == ["a/m", "1 success", "a/m", "b/m beside 2", "2 cancelled for 3", "to b/m: hedge", "3 success"]
        [call] = run.providers["b/m"].calls
        assert [message.role for message in call.request.messages] == ["user", "assistant", "tool"]

    def test_a_hedge_that_asks_for_tools_has_the_turn_from_then_on(self) -> None:
        run = world((A, late(10)), (B, [asking("look_up"), answer()]), limits=HEDGED, toolbox=Bench().toolbox())

        assert story(played(run)) == [
            *("a/m", "b/m beside 1", "1 cancelled for 2", "to b/m: hedge", "2 success"),
            *("b/m", "3 success"),
        ]


def test_a_text_that_broke_off_is_gone_on_from_by_whoever_is_first() -> None:
    cut = [[Say("Raft is a consensus algorithm "), *failing(FailureKind.CONNECTION)]]
    limits = replace(HEDGED, resume="continue")
    run = world((A, cut), (B, late(10, "never")), (C, [answer("for replicated logs.")]), limits=limits)

    events = played(run)

    answered = end(events).answer
    assert answered is not None
    assert answered.text == "Raft is a consensus algorithm for replicated logs."
    assert [part.attempt for part in answered.ranges] == [1, 3]
    assert [switch.characters_kept for switch in of(ProviderSwitched, events)] == [30, 30]


def test_the_fold_tells_who_hedged_whom_and_who_was_first() -> None:
    view, turns = RunView(), []
    for event in played(world((A, late(10)), (B, late(3)), limits=HEDGED)):
        view = fold(view, event)
        turns.append(view.turn.attempt if view.turn else None)

    assert [(attempt.hedges, attempt.lost_to) for attempt in view.attempts] == [(None, 2), (1, None)]
    assert [turn for turn, before in zip(turns, [None, *turns], strict=False) if turn != before] == [1, 2]
