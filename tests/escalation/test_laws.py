"""Whatever the chain, the faults and the moment of a cancel: the laws of the event stream hold."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.circuits import Circuit, CircuitState, Lease
from llmesc.escalation.events import AttemptFinished, AttemptStarted, RunFinished
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.pieces import Finish, ThinkingPiece, ToolCallPiece
from llmesc.escalation.resolution import Tier
from llmesc.escalation.retry_budget import ALWAYS_ALLOWED, RetryPolicy, changed
from llmesc.escalation.times import Timestamp
from tests.escalation.laws import rounds, violations
from tests.escalation.world import Bench, Say, Silence, asking, candidate, failing, run_virtually, world

NOW = 1_700_001_000.0
"""When the virtual loop's clock begins."""

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
said = st.lists(texts.map(lambda text: Say(text, 1.5)), min_size=1, max_size=3)
names = st.lists(st.sampled_from(["look_up", "add", "slow", "broken"]), min_size=1, max_size=2)
breaks = st.sampled_from([FailureKind.CONNECTION, FailureKind.OVERLOADED, FailureKind.PROTOCOL])
script = st.one_of(
    said.map(lambda text: [*text, Finish("stop")]),
    st.tuples(said, breaks).map(lambda pair: [*pair[0], *failing(pair[1])]),
    names.map(lambda some: asking(*some)),
    st.sampled_from([2.0, 20.0]).map(lambda seconds: failing(FailureKind.RATE_LIMIT, retry_after_seconds=seconds)),
    st.lists(steps, max_size=6),
)
"""Good answers, broken ones, rounds of tools, rate limits, and anything at all."""
scripts = st.lists(script, min_size=1, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> Any:
    refs = draw(st.lists(st.sampled_from(["a/m", "a/n", "a@2/m", "b/m", "c/m", "d/m"]), min_size=2, max_size=5, unique=True))
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
        max_attempts=draw(st.sampled_from([4, 3, 2, 1])),
        deadline_seconds=draw(st.sampled_from([5.0, 60.0, 300.0])),
        escalation=draw(st.sampled_from([True, True, True, False])),
        skip_open_circuits=draw(st.booleans()),
        stop_on_content_policy=draw(st.booleans()),
        resume=draw(st.sampled_from(["continue", "restart"])),
        gate=draw(st.sampled_from(["off", "window", "full"])),
        gate_characters=draw(st.sampled_from([1, 20, 200])),
        hedge_after=draw(st.sampled_from(["off", 0.05, 0.5, 2.0])),
        wait_or_escalate=draw(st.sampled_from(["escalate", "wait", "cheaper"])),
        all_open=draw(st.sampled_from(["fail", "try"])),
        retries=RetryPolicy(tokens=draw(st.sampled_from([10.0, 3.0, 0.0]))),
    )
    judging = draw(st.sampled_from([0.0, 0.5, 30.0]))
    toolbox = Bench().toolbox(max_rounds=draw(st.integers(1, 3))) if draw(st.booleans()) else None
    lease = Lease(token="theirs", holder="elsewhere", expires_at=Timestamp(NOW + draw(st.sampled_from([3.0, 3600.0]))))
    probed = Circuit(state=CircuitState.HALF_OPEN, generation=1, lease=lease)
    return world(
        *candidates,
        limits=limits,
        pauses=draw(st.booleans()),
        judging_seconds=judging,
        toolbox=toolbox,
        circuits={who.circuit_key: probed for who, _ in candidates if draw(st.integers(0, 2)) == 2},
    )


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_the_laws_hold_for_every_run(one: Any) -> None:
    events = one.play()

    assert violations(events, one.limits.max_attempts) == []
    assert one.events == events, "consumers and the reader see the same"
    # A second run meets the circuits that the first one left behind.
    one.events.clear()
    assert violations(one.play(), one.limits.max_attempts) == []


SLACK_SECONDS = 0.001
"""Of virtual time, in which work takes none: all that a run may take beyond its deadline."""


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_no_run_is_longer_than_its_deadline_with_tools_waits_gates_and_checks(one: Any) -> None:
    for _ in range(2):
        finished = one.play()[-1]
        assert isinstance(finished, RunFinished)
        assert finished.totals.duration_seconds <= one.limits.deadline_seconds + SLACK_SECONDS
        one.events.clear()


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_no_run_makes_more_calls_than_its_attempts_and_the_retry_budget_allow(one: Any) -> None:
    """Over several runs, so that the bucket they share runs low."""
    policy = one.limits.retries
    tokens: list[float] = []

    class Watch:
        async def consume(self, event: Any) -> None:
            if isinstance(event, AttemptStarted):
                bucket = one.health.buckets.get("test")
                tokens.append(changed(bucket, 0.0, one.health.clock.now(), policy).tokens)

    one.extra_consumers = (Watch(),)
    for _ in range(4):
        tokens.clear()
        one.events.clear()
        before = sum(len(provider.calls) for provider in one.providers.values())
        events = one.play()
        made = [event for event in events if isinstance(event, AttemptStarted)]
        assert sum(len(provider.calls) for provider in one.providers.values()) - before == len(made) == len(tokens)
        free = 0
        for event, left in zip(made, tokens, strict=True):
            beyond = event.attempt - 1 - free >= ALWAYS_ALLOWED
            assert not beyond or not policy.tokens or left > policy.tokens / 2
            free += event.attempt in rounds(events)
        assert len(made) - free <= one.limits.max_attempts


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
