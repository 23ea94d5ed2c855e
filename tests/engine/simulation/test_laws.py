"""Laws of a play, whatever the record: over days that really ran, see `test_faithful`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.outcomes import Outcomes, tells_of_others
from llmesc.engine.simulation.play import jitter, play
from llmesc.engine.simulation.rules import Played, Rules
from llmesc.engine.simulation.sums import sums
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.events import Chain
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.resolution import Resolution, Tier
from llmesc.state.past import PastRun
from tests.engine.simulation.test_faithful import Day, days
from tests.escalation.world import candidate

SOME = settings(max_examples=120, deadline=None)

NO_HURRY = 100_000.0
"""Seconds: nobody's share of the time is ever too small."""


def under(
    runs: Sequence[PastRun],
    *,
    seed: int = 0,
    chain: Sequence[Resolution] | None = None,
    timeouts: Timeouts | None = None,
    policy: CircuitPolicy | None = None,
    **limits: object,
) -> list[Played]:
    def rules(run: PastRun) -> Rules:
        whom = run.chain if chain is None else Chain(name=run.chain.name, candidates=tuple(chain))
        keys = [each.model_key for each in whom.candidates] if timeouts else []
        return Rules(
            chain=whom,
            limits=replace(run.limits, **limits),
            timeouts={key: timeouts for key in keys if timeouts},
            timeouts_differ=frozenset(keys),
            facts={},
        )

    playing = play(runs, rules, Outcomes(runs, seed), Health(policy or CircuitPolicy(), jitter(seed)))
    while True:
        try:
            next(playing)
        except StopIteration as done:
            return list(done.value)


@SOME
@given(days(), st.integers(0, 3))
def test_the_same_seed_gives_the_same_play(day: Day, seed: int) -> None:
    runs, _ = day.live()
    turned = day.candidates[::-1]

    assert under(runs, seed=seed, chain=turned) == under(runs, seed=seed, chain=turned)


@SOME
@given(days())
def test_a_candidate_behind_an_answer_changes_nothing(day: Day) -> None:
    """But for calls that their run broke off: they last as long as they may, and those behind them have their share."""
    runs = [run for run in day.live()[0] if all(map(tells_of_others, run.calls))]
    more = [*day.candidates, candidate("late/m", Tier.FRONTIER)]

    for run in runs:
        (before,) = under([run], chain=day.candidates, deadline_seconds=NO_HURRY)
        (after,) = under([run], chain=more, deadline_seconds=NO_HURRY)
        if before.outcome == "answered":
            assert after == before


@SOME
@given(days(), st.integers(0, 100), st.integers(0, 100))
def test_a_higher_threshold_answers_no_request_that_a_lower_one_does_not(day: Day, one: int, other: int) -> None:
    low, high = sorted((one, other))
    runs, _ = day.live()

    for run in runs:
        (strict,), (lenient,) = under([run], quality_threshold=high), under([run], quality_threshold=low)
        assert strict.outcome != "answered" or lenient.outcome in ("answered", "unknown")


@SOME
@given(days(), st.integers(1, 6))
def test_no_run_makes_more_attempts_than_it_may(day: Day, most: int) -> None:
    runs, _ = day.live()

    assert all(len(run.calls) <= most for run in under(runs, max_attempts=most, chain=day.candidates[::-1]))


@SOME
@given(days(), st.sampled_from([0.05, 0.4, 3.0, 11.0]))
def test_no_run_lasts_longer_than_its_deadline(day: Day, deadline: float) -> None:
    runs, _ = day.live()
    leads = max(sum(call.lead_seconds for call in run.calls) + run.tail_seconds for run in runs)

    assert all(run.seconds <= deadline + leads + 1e-6 for run in under(runs, deadline_seconds=deadline))


@SOME
@given(days(), st.sampled_from([0.2, 2.0]))
def test_no_answer_came_later_than_the_limit_for_its_first_token(day: Day, first: float) -> None:
    runs, _ = day.live()
    limits = Timeouts(first_token_seconds=first)

    for run, again in zip(runs, under(runs, timeouts=limits, last_grace=1.0), strict=True):
        took = {call.key: call.first_token_seconds for call in run.calls if call.outcome == "success"}
        if again.outcome == "answered" and all(call.source == "recorded" for call in again.calls) and again.answered_by in took:
            assert (took[again.answered_by] or 0.0) <= first


@SOME
@given(days())
def test_whom_nobody_knows_is_unknown_and_costs_nothing(day: Day) -> None:
    runs, _ = day.live()
    stranger = candidate("stranger/m", Tier.LOCAL)

    again = under(runs, chain=[stranger, *day.candidates])

    assert {run.outcome for run in again} == {"unknown"}
    assert all(run.unknown == stranger.model_key and not run.calls for run in again)
    assert sums(again).share == (0.0, 1.0)


@SOME
@given(days())
def test_sums_are_of_all_runs_and_all_calls(day: Day) -> None:
    runs, _ = day.live()
    again = under(runs, chain=day.candidates[::-1])
    told = sums(again)

    assert told.runs == len(runs) == sum(told.outcomes.values())
    assert told.total.calls == sum(call.calls for run in again for call in run.calls)
    assert told.total.cost == sum((call.cost or Decimal(0) for run in again for call in run.calls), Decimal(0))
    assert told.runs >= told.assumed + told.unknown


def test_an_outage_opens_the_circuit_and_a_later_one_opens_it_less_often() -> None:
    """Circuits play forward from what was played: one that opens sooner spares calls."""
    from llmesc.escalation.failures import FailureKind
    from tests.engine.simulation.test_faithful import again_and_again
    from tests.escalation.world import answer, failing

    assert again_and_again([answer("a 100")])
    day = Day(
        candidates=[candidate("a/m", Tier.LOCAL), candidate("b/m", Tier.CLOUD)],
        scripts={"a/m": [failing(FailureKind.OVERLOADED)], "b/m": [answer("It is 100")]},
        limits=[Limits()] * 9,
        gaps_seconds=[1.0] * 9,
    )
    runs, _ = day.live()

    def calls_of_a(threshold: float) -> int:
        again = under(runs, policy=CircuitPolicy(failure_threshold=threshold))
        return sum(call.key.provider == "a" for run in again for call in run.calls)

    assert [calls_of_a(threshold) for threshold in (1.0, 2.0, 3.0)] == [1, 2, 3]
