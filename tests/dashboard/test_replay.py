"""A replay: whatever way a moment is reached, it shows what the run was then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.dashboard.actions.asking import COMMANDS
from llmesc.dashboard.commands import refusal
from llmesc.dashboard.replay import CHECKPOINT_EVENTS, SPEEDS, Replay
from llmesc.dashboard.situation import Situation
from llmesc.escalation.circuits import Cause, CircuitState
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    Chain,
    CircuitChanged,
    Event,
    Move,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    Totals,
)
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.times import Timestamp

BEGAN = Timestamp(1_790_000_000.0)
LAB = Resolution(tier=Tier.VLLM, provider="lab", instance="gpu1", model="m", offering=Offering(offering_id="lab"))


def recorded(tokens: int) -> tuple[Event, ...]:
    """A run whose one attempt writes so many tokens, one every 10 ms, and whose circuit opens at its end."""
    made: list[Event] = []

    def add(kind: type[Event], at_ms: float, **fields: object) -> None:
        head = {"run_id": "r1", "seq": len(made), "at": Timestamp(BEGAN + at_ms / 1000), "elapsed_ms": at_ms}
        made.append(kind(**head, **fields))  # type: ignore[arg-type]

    add(RunStarted, 0.0, request=ask_for("hi"), chain=Chain(name="default", candidates=(LAB,)), limits=Limits(), caller={})
    add(AttemptStarted, 5.0, attempt=1, attempt_id="r1.1", resolution=LAB, move=Move.PRIMARY)
    for number in range(tokens):
        add(TextDelta, 10.0 * (number + 1), attempt=1, text=f"{number} ")
    end = 10.0 * (tokens + 1)
    ended = {"usage": Usage(), "cost": None, "cost_estimated": True, "first_token_seconds": 0.01, "duration_seconds": 1.0}
    add(AttemptFinished, end, attempt=1, resolution=LAB, outcome=AttemptOutcome.ERROR, characters=9, **ended)
    cause = Cause(kind="timeout", message="stall", at=BEGAN)
    states = {"before": CircuitState.CLOSED, "after": CircuitState.OPEN}
    add(CircuitChanged, end, key=LAB.circuit_key, cause=cause, retry_at=None, **states)
    totals = Totals(attempts=1, skipped=0, usage=Usage(), cost=None, duration_seconds=1.0)
    add(RunFinished, end + 1, outcome=RunOutcome.EXHAUSTED, answer=None, totals=totals)
    return tuple(made)


EVENTS = recorded(CHECKPOINT_EVENTS * 2 + 100)


def view_of(replay: Replay) -> RunView:
    return replay.board(BEGAN).views["r1"]


def folded(count: int) -> RunView:
    view = RunView()
    for event in EVENTS[:count]:
        view = fold(view, event)
    return view


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(0, EVENTS[-1].elapsed_ms), st.integers(-3, 3)), max_size=12))
def test_however_a_moment_is_reached_it_shows_the_fold_of_what_had_happened(moves: list[float | int]) -> None:
    replay = Replay(EVENTS)
    for move in moves:
        if isinstance(move, int):
            replay.step(move)
        else:
            replay.seek(move)

    happened = sum(1 for event in EVENTS if event.elapsed_ms <= replay.at_ms)
    assert view_of(replay) == folded(replay.shown)
    # Of events at one moment stepping shows one after the other; anything else shows all of them.
    assert replay.shown <= happened
    assert EVENTS[replay.shown - 1].elapsed_ms <= replay.at_ms


@pytest.mark.parametrize("speed", SPEEDS)
def test_it_plays_at_the_recorded_pace_times_the_speed(speed: float) -> None:
    replay = Replay(EVENTS)
    replay.faster(SPEEDS.index(speed) - SPEEDS.index(1.0))

    replay.advance(0.1)

    assert replay.at_ms == pytest.approx(100.0 * speed)


def test_a_step_goes_to_the_next_event_that_is_no_token() -> None:
    replay = Replay(EVENTS)
    seen = [EVENTS[replay.shown - 1].type]
    while not replay.ended:
        replay.step(1)
        seen.append(EVENTS[replay.shown - 1].type)

    assert seen == ["run_started", "attempt_started", "attempt_finished", "circuit_changed", "run_finished"]
    replay.step(-4)
    assert view_of(replay) == folded(1)


def test_at_the_end_it_stops_and_playing_again_begins_anew() -> None:
    replay = Replay(EVENTS)
    replay.advance(1e9)
    assert (replay.ended, replay.playing) == (True, False)

    replay.toggle()

    assert (replay.at_ms, replay.playing) == (0.0, True)


def test_it_stands_still_while_it_is_stopped() -> None:
    replay = Replay(EVENTS)
    replay.toggle()
    replay.advance(5.0)
    assert replay.at_ms == 0.0


def test_the_circuits_are_as_the_run_saw_them() -> None:
    replay = Replay(EVENTS)
    assert [(str(line.key), line.state) for line in replay.board(BEGAN).circuits] == [("lab@gpu1", "closed")]

    replay.seek(replay.length_ms)

    assert [(str(line.key), line.state) for line in replay.board(BEGAN).circuits] == [("lab@gpu1", "open")]


def test_the_request_is_running_until_its_end_was_played() -> None:
    replay = Replay(EVENTS)
    assert replay.board(BEGAN).runs[0].outcome == "running"
    replay.seek(replay.length_ms)
    assert replay.board(BEGAN).runs[0].outcome == "exhausted"


def test_tokens_are_not_on_the_timeline_and_the_list_is_the_same_one_until_it_grows() -> None:
    replay = Replay(EVENTS)
    replay.seek(50.0)
    first = replay.board(BEGAN).timelines["r1"]
    replay.seek(100.0)

    assert [event.type for event in first] == ["run_started", "attempt_started"]
    assert replay.board(BEGAN).timelines["r1"] is first


def test_a_request_whose_text_was_not_kept_shows_so_and_is_not_asked_again() -> None:
    first, second, *rest = recorded(3)
    assert isinstance(first, RunStarted)
    assert isinstance(second, AttemptStarted)
    withheld = [replace(event, text="", characters_not_kept=2) if isinstance(event, TextDelta) else event for event in rest]
    replay = Replay((replace(first, capture="metadata"), replace(second, capture="metadata"), *withheld))
    replay.seek(1e9)
    view = view_of(replay)

    assert [(attempt.shown, attempt.characters) for attempt in view.attempts] == [("‹not kept: capture = metadata›", 6)]
    board = replay.board(BEGAN)
    [again] = [command for command in COMMANDS if command.id == "ask.again"]
    situation = Situation(board=board, pane="requests", run=board.runs[0], view=view)
    assert refusal(again, situation) == "its text was not kept: capture = metadata"
    assert refusal(again, replace(situation, view=folded(len(EVENTS)))) == ""
