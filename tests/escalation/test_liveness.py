"""What counts as a sign of life, and how long each is waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.config.defaults import TIMEOUTS
from llmesc.escalation.events import AttemptStarted, ProviderFailed
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.liveness import LATE_USAGE_SECONDS, LEARNED_FROM_CALLS, Liveness, learned, patient
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Finish, Opened, TextPiece, ThinkingPiece, UsagePiece
from llmesc.escalation.resolution import Tier
from tests.escalation.laws import violations
from tests.escalation.world import MemoryHealth, Say, Silence, VirtualLoop, World, answer, candidate, run_virtually, world

LIMITS = Timeouts(
    first_token_seconds=10, stall_seconds=4, total_seconds=60, min_rate_characters_per_second=3, min_rate_over_seconds=10
)
NEVER = float("inf")


def ends(content: list[tuple[float, int]], timeouts: Timeouts = LIMITS, run_deadline: float = NEVER) -> tuple[float, str]:
    """When and why a stream with content at such times is given up, if nothing more comes. It starts at 0."""
    liveness = Liveness(timeouts, 0.0, run_deadline)
    for at, characters in content:
        if at >= liveness.deadline:
            break
        liveness.content(at, characters)
    return liveness.deadline, liveness.breach()


CASES = [
    ("nothing at all", [], (10, "first_token")),
    ("the first token in time, then nothing", [(9.0, 50)], (13, "stall")),
    ("quick, then nothing", [(1.0, 5), (2.0, 5), (3.0, 5)], (7, "stall")),
    # 3 characters a second over 10 seconds: 30 have to come within 10 s of the first.
    ("one character a second", [(float(at), 1) for at in range(1, 60)], (11, "min_rate")),
    ("too little at the window's end, seen though the next is still to come", [(1.0, 29), (4.5, 0), (8.4, 0)], (11, "min_rate")),
    ("just enough", [(at / 2, 2) for at in range(2, 120)], (60, "total")),
    ("quick first, then a drip", [(1.0, 400), *((float(at), 1) for at in range(2, 60))], (11, "min_rate")),
    ("as quick as can be", [(at / 10, 40) for at in range(1, 700)], (60, "total")),
]


@pytest.mark.parametrize(("content", "end"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_stream_is_given_up_at_the_first_limit_that_it_breaks(content: Any, end: tuple[float, str]) -> None:
    assert ends(content) == end


def test_the_run_outranks_all_limits_of_the_attempt() -> None:
    assert ends([], run_deadline=5.0) == (5.0, "deadline")
    assert ends([(1.0, 50)], run_deadline=5.0) == (5.0, "deadline"), "also where it falls together with another"


def test_silence_is_judged_by_the_limit_for_silence_however_short_the_window_is() -> None:
    assert ends([(1.0, 50)], replace(LIMITS, stall_seconds=30)) == (31.0, "stall")


def test_behind_the_finish_only_a_count_of_tokens_is_waited_for() -> None:
    liveness = Liveness(LIMITS, 0.0, NEVER)
    liveness.content(1.0, 1)
    liveness.finish(2.0)

    assert liveness.deadline == 2.0 + LATE_USAGE_SECONDS


def test_a_reader_that_is_behind_costs_the_provider_nothing() -> None:
    liveness = Liveness(LIMITS, 0.0, NEVER)
    liveness.content(1.0, 50)
    liveness.paused(100.0)

    assert (liveness.deadline, liveness.breach()) == (105.0, "stall")


@given(st.lists(st.tuples(st.floats(0.01, 3.9), st.integers(30, 100)), max_size=30))
def test_what_comes_quickly_enough_is_never_given_up_before_its_time(steps: list[tuple[float, int]]) -> None:
    at, content = 0.0, []
    for pause, characters in steps:
        at += pause
        content.append((at, characters))

    end, breach = ends(content)

    assert breach == "total" or end == (at + 4 if content else 10)


# -- by tier ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", [Tier.VLLM, Tier.CLOUD, Tier.FRONTIER])
def test_a_token_a_second_is_too_slow_for_what_others_run(tier: Tier) -> None:
    assert ends([(float(at), 5) for at in range(1, 200)], TIMEOUTS[tier])[1] == "min_rate"


@pytest.mark.parametrize("tier", list(Tier))
def test_ten_tokens_a_second_are_quick_enough_anywhere(tier: Tier) -> None:
    assert ends([(at / 10, 4) for at in range(1, 5000)], TIMEOUTS[tier])[1] == "total"


def test_a_model_on_ones_own_processor_may_take_a_second_for_a_token() -> None:
    assert ends([(float(at), 4) for at in range(1, 200)], TIMEOUTS[Tier.LOCAL])[1] == "total"


# -- in a run --------------------------------------------------------------------------------------------------------------


def pair(script: list[Any], **fields: Any) -> World:
    return world(
        (candidate("a/m"), [script]),
        (candidate("b/m"), [answer()]),
        timeouts=LIMITS,
        limits=Limits(deadline_seconds=900),
        **fields,
    )


def failed(events: list[Any]) -> list[tuple[str, float]]:
    assert violations(events, 3) == []
    return [(event.failure.rule, event.elapsed_ms / 1000) for event in events if isinstance(event, ProviderFailed)]


NO_LIFE = {"headers": Opened(), "a count of tokens": UsagePiece(Usage(input_tokens=1))}


@pytest.mark.parametrize("name", NO_LIFE)
def test_what_is_no_content_is_no_sign_of_life(name: str) -> None:
    before = [step for _ in range(20) for step in (Silence(1.0), NO_LIFE[name])]
    between = [Say("Raft"), *before]

    assert failed(pair(before).play()) == [("liveness.first_token", pytest.approx(10))]
    assert failed(pair(between).play()) == [("liveness.stall", pytest.approx(4))]


LIFE = {
    "thinking": ThinkingPiece("hm, let me see, "),
    "a fragment of a tool call": Activity(),
    "text": TextPiece("word, word, word"),
}


@pytest.mark.parametrize("name", LIFE)
def test_content_of_any_kind_is_a_sign_of_life(name: str) -> None:
    script = [*(step for _ in range(10) for step in (Silence(3.0), LIFE[name])), *answer("Raft is one.")]

    assert failed(pair(script).play()) == []


def test_a_drip_is_noticed_at_the_windows_end_and_not_at_the_next_piece() -> None:
    slow = replace(LIMITS, stall_seconds=9.5)
    run = pair([Say("Raft"), *[Say(" is", 9.0)] * 5])
    run.timeouts = slow

    assert failed(run.play()) == [("liveness.min_rate", pytest.approx(10))]


def test_the_last_candidate_gets_twice_the_time() -> None:
    run = world((candidate("a/m"), [[Silence(30)]]), timeouts=LIMITS, limits=Limits(deadline_seconds=900))

    assert failed(run.play()) == [("liveness.first_token", pytest.approx(20))]


def test_whoever_is_not_the_last_gets_none_of_it() -> None:
    run = world(
        (candidate("a/m"), [[Silence(30)]]),
        (candidate("b/m"), [[Silence(30)]]),
        timeouts=LIMITS,
        limits=Limits(deadline_seconds=900),
    )

    assert [after for _, after in failed(run.play())] == [pytest.approx(10), pytest.approx(30)]


def test_the_grace_is_a_setting() -> None:
    run = world((candidate("a/m"), [[Silence(90)]]), timeouts=LIMITS, limits=Limits(deadline_seconds=900, last_grace=5))

    assert failed(run.play()) == [("liveness.first_token", pytest.approx(50))]


def test_the_last_call_that_may_be_made_is_the_last_candidate_too() -> None:
    run = pair([Silence(30)])
    run.limits = Limits(deadline_seconds=900, max_attempts=1)

    assert failed(run.play()) == [("liveness.first_token", pytest.approx(20))]


def test_grace_makes_all_limits_looser_but_the_total() -> None:
    looser = {"first_token_seconds": 20, "stall_seconds": 8, "min_rate_characters_per_second": 1.5}
    assert patient(LIMITS, 2.0) == replace(LIMITS, **looser, grace=2.0)
    assert patient(LIMITS, 1.0) == LIMITS


# -- learned ---------------------------------------------------------------------------------------------------------------

USUAL = Timeouts(first_token_seconds=30)


def lately(*first_tokens: float | None) -> list[Latency]:
    return [Latency(first, 9.0) for first in first_tokens]


LEARNED = [
    ("no history", lately(), 30),
    ("too little history", lately(*[1.0] * (LEARNED_FROM_CALLS - 1)), 30),
    ("calls without a first token teach nothing", lately(*[None] * 50), 30),
    ("three times the 95th percentile", lately(*[4.0] * 48, 8.0, 20.0), 12),
    ("never below a third of the usual", lately(*[0.2] * 50), 10),
    ("never above twice the usual", lately(*[40.0] * 50), 60),
]


@pytest.mark.parametrize(("calls", "seconds"), [case[1:] for case in LEARNED], ids=[case[0] for case in LEARNED])
def test_the_limit_for_the_first_token_is_learned(calls: list[Latency], seconds: float) -> None:
    found = learned(USUAL, calls)

    assert found == replace(USUAL, first_token_seconds=seconds, learned_from_calls=found.learned_from_calls)
    assert found.first_token_from == ("learned" if found.learned_from_calls else "default")


@pytest.mark.parametrize(
    ("timeouts", "message"),
    [
        (USUAL, "no content within 30 s (usual for its tier)"),
        (replace(USUAL, first_token_seconds=2.5, first_token_is_set=True), "no content within 2.5 s (configured)"),
        (learned(USUAL, lately(*[4.1] * 20)), "no content within 12.3 s (learned from its latest 20 answers)"),
        (patient(USUAL, 2.0), "no content within 60 s (usual for its tier, times 2 as the last candidate)"),
    ],
)
def test_who_was_silent_for_too_long_is_told_with_where_the_limit_comes_from(timeouts: Timeouts, message: str) -> None:
    assert Liveness(timeouts, 0.0, 1_000.0).failure("first_token").message == message


def test_what_the_operator_set_is_never_unlearned() -> None:
    said = replace(USUAL, first_token_is_set=True)

    assert learned(said, lately(*[0.2] * 50)) == said


@given(st.lists(st.floats(0.001, 500), max_size=60))
def test_a_learned_limit_stays_between_its_bounds(seconds: list[float]) -> None:
    assert 10 <= learned(USUAL, lately(*seconds)).first_token_seconds <= 60


def test_a_run_calls_with_what_was_learned() -> None:
    first = candidate("a/m")
    run = world((first, [[Silence(60)]]), (candidate("b/m"), [answer()]), timeouts=USUAL, limits=Limits(deadline_seconds=900))
    no_clock: Any = None  # it gets the run's
    run.health = MemoryHealth(no_clock, fast={first.model_key: lately(*[4.0] * 20)})

    assert failed(run.play()) == [("liveness.first_token", pytest.approx(12))]


def test_a_reader_that_stops_for_a_minute_costs_nobody_the_call() -> None:
    run = pair([*[Say("word ")] * 1500, Say("end", 0.1), Finish("stop")])

    async def main(loop: VirtualLoop) -> list[Any]:
        async with run.run(loop) as running:
            first = await anext(running)
            await asyncio.sleep(50)
            return [first, *[event async for event in running]]

    assert failed(run_virtually(main)) == []


def test_the_finish_ends_the_measuring() -> None:
    run = pair([Say("42"), Finish("stop"), Silence(1.5), UsagePiece(Usage(input_tokens=1, output_tokens=1))])

    events = run.play()

    assert failed(events) == []
    assert len([event for event in events if isinstance(event, AttemptStarted)]) == 1
