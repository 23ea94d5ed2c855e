"""Whatever the chain, the faults and the moment of a cancel: the laws of the event stream hold."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.events import AttemptFinished, AttemptStarted, RunFinished
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.pieces import Finish, ThinkingPiece, ToolCallPiece
from llmesc.escalation.resolution import Tier
from tests.escalation.laws import violations
from tests.escalation.world import Bench, Say, Silence, candidate, failing, run_virtually, world

texts = st.sampled_from(["bad", "Raft is", " a consensus algorithm.", "é", "x" * 50, "I cannot help with that.", " "])
steps = st.one_of(
    texts.map(Say),
    st.tuples(texts, st.sampled_from([0.1, 3.0, 20.0])).map(lambda pair: Say(*pair)),
    st.sampled_from([1.0, 16.0, 40.0]).map(Silence),
    st.just(ThinkingPiece("hm")),
    st.builds(
        ToolCallPiece,
        st.sampled_from(["c1", "c2"]),
        st.sampled_from(["look_up", "slow", "broken", "leaves", "unknown"]),
        st.sampled_from(["{}", '{"n": 1}', "[]", "{"]),
    ),
    st.sampled_from(list(FailureKind)).map(lambda kind: failing(kind)[0]),
    st.floats(0.5, 50).map(lambda seconds: failing(FailureKind.RATE_LIMIT, retry_after_seconds=seconds)[0]),
    st.just(Finish("stop")),
)
scripts = st.lists(st.lists(steps, max_size=6), min_size=1, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> Any:
    refs = draw(st.lists(st.sampled_from(["a/m", "a/n", "a@2/m", "b/m", "c/m", "d/m"]), min_size=1, max_size=5, unique=True))
    candidates = [
        (
            candidate(
                ref,
                draw(st.sampled_from(list(Tier))),
                window=draw(st.sampled_from([None, 100, 8192])),
                endpoint=draw(st.sampled_from(["", "http://one", "http://two"])),
            ),
            draw(scripts),
        )
        for ref in refs
    ]
    limits = Limits(
        max_attempts=draw(st.integers(1, 4)),
        deadline_seconds=draw(st.sampled_from([5.0, 60.0, 300.0])),
        escalation=draw(st.booleans()),
        skip_open_circuits=draw(st.booleans()),
        stop_on_content_policy=draw(st.booleans()),
        resume=draw(st.sampled_from(["restart", "continue"])),
        gate=draw(st.sampled_from(["off", "window", "full"])),
        gate_characters=draw(st.sampled_from([1, 20, 200])),
        hedge_after=draw(st.sampled_from(["off", 0.05, 0.5, 2.0])),
    )
    judging = draw(st.sampled_from([0.0, 0.5, 30.0]))
    toolbox = Bench().toolbox(max_rounds=draw(st.integers(1, 3))) if draw(st.booleans()) else None
    return world(*candidates, limits=limits, pauses=draw(st.booleans()), judging_seconds=judging, toolbox=toolbox)


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_the_laws_hold_for_every_run(one: Any) -> None:
    events = one.play()

    assert violations(events, one.limits.max_attempts) == []
    assert one.events == events, "consumers and the reader see the same"
    # A second run meets the circuits that the first one left behind.
    one.events.clear()
    assert violations(one.play(), one.limits.max_attempts) == []


@given(worlds(), st.integers(0, 60), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_laws_hold_for_a_run_that_is_cancelled_at_any_await(one: Any, steps_before: int, leave: bool) -> None:
    import asyncio

    async def main(loop: Any) -> None:
        async with one.run(loop) as run:
            for _ in range(steps_before):
                await asyncio.sleep(0)
            if not leave:
                run.cancel()
                await run.finished()

    run_virtually(main)

    events = one.events
    assert violations(events, one.limits.max_attempts) == []
    assert sum(isinstance(event, AttemptStarted) for event in events) == sum(isinstance(e, AttemptFinished) for e in events)


@given(worlds(), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_the_laws_hold_for_a_reader_that_leaves_after_some_events(one: Any, read: int) -> None:
    async def main(loop: Any) -> None:
        async with one.run(loop) as run:
            async for event in run:
                if event.seq >= read:
                    break

    run_virtually(main)

    assert violations(one.events, one.limits.max_attempts) == []


@given(worlds())
@settings(max_examples=50, deadline=None)
def test_the_fold_knows_what_the_last_event_says(one: Any) -> None:
    view = RunView()
    for event in one.play():
        view = fold(view, event)

    last = event
    assert isinstance(last, RunFinished)
    assert (view.outcome, view.answer, view.totals) == (last.outcome, last.answer, last.totals)
    assert len(view.attempts) == last.totals.attempts
    assert all(attempt.outcome is not None for attempt in view.attempts)
    if last.answer is not None:
        assert "".join(view.attempts[part.attempt - 1].shown for part in last.answer.ranges) == last.answer.text
    if last.outcome == "answered" and last.answer is not None:
        assert view.visible == last.answer.text
