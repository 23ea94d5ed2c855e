"""Hedging, whatever the scripts: the laws of every run, the deadline, the number of calls and the cost cap hold in races, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.events import AttemptStarted, RunOutcome
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.pieces import Call, Finish, Piece, TextPiece, UsagePiece
from llmesc.escalation.resolution import Tier
from tests.escalation.laws import violations
from tests.escalation.test_hedging import HEDGED, end, of, played, priced
from tests.escalation.test_laws import steps
from tests.escalation.world import (
    Bench,
    Scripted,
    Silence,
    Step,
    World,
    candidate,
    failing,
    run_virtually,
    world,
)


@dataclass
class Metered(Scripted):
    """Bills its prompt before it is silent, and behind that as much of an answer as it may write."""

    async def call(self, call: Call) -> AsyncIterator[Piece]:
        self.calls.append(call)
        prompt, most = call.request.estimated_tokens, call.request.max_output_tokens or 0
        try:
            yield UsagePiece(Usage(input_tokens=prompt, output_tokens=0))
            for step in self.scripts[0]:
                if isinstance(step, Silence):
                    await asyncio.sleep(step.seconds)
                elif isinstance(step, Failure):
                    raise CallFailed(step)
            yield TextPiece("x")
            yield UsagePiece(Usage(input_tokens=prompt, output_tokens=most))
            yield Finish("stop")
        finally:
            self.closed += 1


silent = st.sampled_from([None, 0.2, 1.0, 2.0, 3.0, 7.0, 40.0]).map(lambda seconds: [] if seconds is None else [Silence(seconds)])
scripts = st.lists(st.tuples(silent, st.lists(steps, max_size=4)).map(lambda both: [*both[0], *both[1]]), min_size=1, max_size=3)


@st.composite
def hedged_worlds(draw: st.DrawFn) -> World:
    refs = draw(st.lists(st.sampled_from(["a/m", "a/n", "a@2/m", "b/m", "c/m", "d/m"]), min_size=2, max_size=5, unique=True))
    endpoints = st.sampled_from(["", "http://one", "http://two"])
    people = [candidate(ref, draw(st.sampled_from(list(Tier))), endpoint=draw(endpoints)) for ref in refs]
    limits = Limits(
        max_attempts=draw(st.integers(2, 5)),
        deadline_seconds=draw(st.sampled_from([4.0, 60.0])),
        stop_on_content_policy=draw(st.booleans()),
        resume=draw(st.sampled_from(["restart", "continue"])),
        gate=draw(st.sampled_from(["off", "window"])),
        quality_threshold=draw(st.sampled_from([0, 50])),
        hedge_after=draw(st.sampled_from([0.5, 2.0])),
        wait_or_escalate=draw(st.sampled_from(["escalate", "wait"])),
    )
    return world(
        *((each, draw(scripts)) for each in people),
        limits=limits,
        pauses=draw(st.booleans()),
        judging_seconds=draw(st.sampled_from([0.0, 3.0])),
        toolbox=Bench().toolbox(max_rounds=2) if draw(st.booleans()) else None,
    )


class TestLaws:
    @given(hedged_worlds())
    @settings(max_examples=250, deadline=None)
    def test_they_hold_for_every_race(self, run: World) -> None:
        events = played(run)

        assert end(events).totals.duration_seconds <= run.limits.deadline_seconds + 1e-6
        reached = [key for key in run.providers for _ in run.providers[key].calls]
        assert len(reached) <= len(of(AttemptStarted, events)), "one attempt is one request at most"
        view = reduce(fold, events, RunView())
        answer = end(events).answer
        assert all(attempt.outcome is not None for attempt in view.attempts)
        if answer is not None:
            assert "".join(view.attempts[part.attempt - 1].shown for part in answer.ranges) == answer.text
        if answer is not None and end(events).outcome is RunOutcome.ANSWERED:
            assert view.visible == answer.text
        run.events.clear()
        played(run)

    @given(hedged_worlds(), st.floats(0, 12))
    @settings(max_examples=200, deadline=None)
    def test_they_hold_for_a_race_that_is_cancelled_at_any_time(self, run: World, after_seconds: float) -> None:
        async def main(loop: Any) -> None:
            async with run.run(loop) as handle:
                await asyncio.sleep(after_seconds)
                handle.cancel()
                await handle.finished()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run_virtually(main)

        assert violations(run.events, run.limits.max_attempts) == []
        assert all(provider.closed == len(provider.calls) for provider in run.providers.values())

    @given(hedged_worlds(), st.integers(0, 80))
    @settings(max_examples=150, deadline=None)
    def test_they_hold_for_a_race_that_is_left_at_any_await(self, run: World, steps_before: int) -> None:
        async def main(loop: Any) -> None:
            async with run.run(loop):
                for _ in range(steps_before):
                    await asyncio.sleep(0.03)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run_virtually(main)

        assert violations(run.events, run.limits.max_attempts) == []


def capped(prices: Sequence[int], scripts: Sequence[Sequence[Step]], cap: Decimal, wanted: int | None = None) -> World:
    """Candidates that cost so many dollars for a thousand tokens, and a cap."""
    people = [priced(f"{name}/m", Tier.CLOUD, price) for name, price in zip("abcd", prices, strict=False)]
    run = world(*((each, [script]) for each, script in zip(people, scripts, strict=False)))
    run.providers = {ref: Metered(provider.scripts) for ref, provider in run.providers.items()}
    run.limits = replace(HEDGED, max_attempts=4, max_cost=cap)
    run.request = replace(ask_for("What is Raft?"), max_output_tokens=wanted)
    return run


class TestTheCap:
    @pytest.mark.parametrize("silences", [(9.0, 1.0), (3.0, 5.0)], ids=["the hedge is first", "the hedge is too late"])
    @pytest.mark.parametrize("prices", [(10, 1), (1, 10), (10, 10)])
    def test_an_answer_as_long_as_it_allows_leaves_the_price_of_the_loser(self, prices: Any, silences: Any) -> None:
        cap = Decimal("2.00")

        events = played(capped(prices, [[Silence(seconds)] for seconds in silences], cap))

        cost = end(events).totals.cost
        assert end(events).totals.attempts == 2
        assert cost is not None
        assert cap * Decimal("0.6") < cost <= cap

    def test_a_hedge_that_costs_more_than_was_left_for_one_is_not_made(self) -> None:
        run = capped((1, 1, 10), [[Silence(9)], [], []], Decimal("2.00"))
        run.missing_credentials = frozenset({"b/m"})

        assert end(played(run)).totals.attempts == 1

    @given(
        st.lists(st.sampled_from([0, 1, 10]), min_size=2, max_size=4),
        st.lists(st.sampled_from([0.5, 3.0, 6.0]), min_size=4, max_size=4),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.decimals(Decimal("0.01"), Decimal(3), places=2),
        st.sampled_from([None, 10, 200]),
        st.sampled_from([frozenset[str](), frozenset({"b/m"})]),
    )
    @settings(max_examples=200, deadline=None)
    def test_it_is_kept(self, prices: Any, silences: Any, fail: Any, cap: Decimal, wanted: int | None, missing: Any) -> None:
        down = failing(FailureKind.OVERLOADED)
        scripts = [[Silence(seconds), *(down if fails else [])] for seconds, fails in zip(silences, fail, strict=True)]
        run = capped(prices, scripts, cap, wanted)
        run.missing_credentials = missing

        cost = end(played(run)).totals.cost

        assert cost is None or cost <= cap
