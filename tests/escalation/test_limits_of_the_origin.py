"""What the system that the idea comes from could not do, one test a limit: each must stay absent here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.circuits import Cause, Circuit, CircuitPolicy, CircuitState, Failed, Succeeded, WeightedFailure, next_state
from llmesc.escalation.errors import RunError
from llmesc.escalation.events import (
    AttemptFinished,
    ModelDenied,
    ProviderFailed,
    TextDelta,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.limits import Limits
from llmesc.escalation.pieces import Finish
from llmesc.escalation.quality import Draft, QualitySettings, judge
from llmesc.escalation.resolution import CircuitKey, Tier
from llmesc.escalation.times import Timestamp
from tests.escalation.test_ending import error_of
from tests.escalation.test_executor import called, last, skipped
from tests.escalation.world import Say, Silence, answer, candidate, failing, run_virtually, world

K = FailureKind


def test_open_circuits_use_up_no_attempts() -> None:
    """The origin gave the slots of `max_attempts` to candidates it then skipped."""
    sick = [candidate(f"sick{n}/m") for n in range(5)]
    run = world(
        *((candidate, [failing(K.AUTH)]) for candidate in sick),
        (candidate("well/m"), [answer()]),
        limits=Limits(max_attempts=5),
    )
    run.play()
    run.limits = Limits(max_attempts=1)

    events = run.play()

    assert set(skipped(events).values()) == {"circuit_open"}
    assert called(events) == ["well/m"]
    assert last(events).outcome == "answered"


def test_one_sick_box_does_not_hide_its_healthy_siblings() -> None:
    """The origin skipped every instance of the provider's model after any error."""
    sick = candidate("lab@gpu1/m", Tier.VLLM, endpoint="http://gpu1")
    well = candidate("lab@gpu2/m", Tier.VLLM, endpoint="http://gpu2")

    events = world((sick, [failing(K.SERVER_ERROR)]), (well, [answer()])).play()

    assert called(events) == ["lab@gpu1/m", "lab@gpu2/m"]


def test_a_retry_after_reaches_the_circuit_and_is_kept_exactly() -> None:
    """The origin told its tracker of a plain error and dropped the time."""
    run = world((candidate("a/m"), [failing(K.RATE_LIMIT, retry_after_seconds=7.25)]), limits=Limits(wait=False))

    events = run.play()

    failed = next(event for event in events if isinstance(event, ProviderFailed))
    assert run.health.known[CircuitKey("a")].retry_at == pytest.approx(failed.at + 7.25, abs=0.001)


def test_failures_age_and_late_results_change_nothing() -> None:
    """The origin's counter had no window, and a late result closed or re-opened a circuit."""
    policy = CircuitPolicy(window_seconds=300)
    old = Circuit(failures=(WeightedFailure(Timestamp(0.0), 1.0), WeightedFailure(Timestamp(1.0), 1.0)))
    cause = Cause(kind="server_error", message="", at=Timestamp(1000.0))
    after, _ = next_state(old, Failed(generation=0, weight=1.0, cause=cause), Timestamp(1000.0), policy)
    assert after.state is CircuitState.CLOSED

    opened = replace(after, state=CircuitState.OPEN, generation=3, retry_at=Timestamp(2000.0))
    late = Succeeded(generation=2, latency_seconds=0.1)
    assert next_state(opened, late, Timestamp(1001.0), policy) == (opened, None)


def test_a_forbidden_model_does_not_block_the_allowed_ones_of_its_account() -> None:
    """The origin denied the model and tripped the whole instance."""
    run = world((candidate("a/forbidden"), [failing(K.PERMISSION)]), (candidate("a/allowed"), [answer()]))

    events = run.play()

    assert called(events) == ["a/forbidden", "a/allowed"]
    assert run.health.known[CircuitKey("a")].state is CircuitState.CLOSED


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_permission_and_model_unavailable_deny_and_only_for_a_while(kind: Any) -> None:
    run = world((candidate("a/m"), [failing(kind, status=404)]), limits=Limits(wait=False, denial_seconds=3600))

    events = run.play()

    denied = [str(event.key) for event in events if isinstance(event, ModelDenied)]
    assert denied == (["a/m"] if kind in (K.PERMISSION, K.MODEL_UNAVAILABLE) else [])
    assert [denial.until - denial.set_at for denial in run.health.denied] == [3600.0] * len(denied)


def test_what_is_missing_on_this_machine_denies_nothing() -> None:
    """Weights or an engine that are not there are put right by the operator, who must not wait for an hour then."""
    run = world((candidate("a/m"), [failing(K.MODEL_UNAVAILABLE)]))

    run.play()

    assert run.health.denied == []


def test_every_failure_is_told_whatever_its_kind() -> None:
    """The origin told only generic errors; the observer of a rate limit saw a bare switch."""
    for kind in FailureKind:
        events = world((candidate("a/m"), [failing(kind)]), limits=Limits(wait=False)).play()
        assert [event.failure.kind for event in events if isinstance(event, ProviderFailed)] == [kind]


def test_tokens_of_one_attempt_never_leak_into_the_next() -> None:
    """The origin memoised them."""
    run = world(
        (candidate("a/m"), [answer("bad")]),
        (candidate("b/m"), [[Say("A good answer."), Finish("stop")]]),
    )

    used = [event.usage for event in run.play() if isinstance(event, AttemptFinished)]

    assert (used[0].input_tokens, used[0].output_tokens, used[0].estimated) == (10, 5, False)
    assert used[1].estimated
    assert used[1].output_tokens != 5


def test_a_reader_that_leaves_is_recorded_and_metered_and_blames_nobody() -> None:
    """The origin recorded nothing of an attempt whose caller hung up."""
    run = world((candidate("a/m"), [[Say("Raft is"), Silence(10.0), Finish("stop")]]))

    async def main(loop: Any) -> None:
        async with run.run(loop) as handle:
            async for event in handle:
                if isinstance(event, TextDelta):
                    break

    run_virtually(main)

    finished = next(event for event in run.events if isinstance(event, AttemptFinished))
    assert (finished.outcome, finished.usage.estimated, finished.usage.output_tokens) == ("cancelled", True, 2)
    end = last(run.events)
    assert (end.outcome, end.answer.text) == ("cancelled", "Raft is")
    assert not any(isinstance(signal, Failed) for _, signal in run.health.signals)


def test_a_quality_failure_counts_for_half_toward_opening() -> None:
    run = world((candidate("a/m"), [answer("bad")]))

    for _ in range(6):
        run.play()

    assert run.health.known[CircuitKey("a")].state is CircuitState.OPEN


def test_a_short_answer_can_be_a_good_one() -> None:
    """The origin wanted 50 characters."""
    assert judge(Draft(text="42", prompt="What is six times seven?"), QualitySettings()).score == 100


def test_a_larger_window_in_the_same_tier_is_tried_after_an_overflow() -> None:
    """The origin left the tier."""
    run = world(
        (candidate("a/small", window=2048), [failing(K.CONTEXT_OVERFLOW)]),
        (candidate("b/large", window=32768), [answer()]),
    )

    assert called(run.play()) == ["a/small", "b/large"]


def test_callers_see_one_shape_of_error() -> None:
    """The origin raised the raw error for one candidate and an aggregate for several."""
    alone = error_of(world((candidate("a/m"), [failing(K.AUTH)])))
    together = error_of(world((candidate("a/m"), [failing(K.AUTH)]), (candidate("b/m"), [failing(K.AUTH)])))

    for error in (alone, together):
        assert isinstance(error, RunError)
        assert (error.cause.kind, error.attempts[0].resolution.ref) == (K.AUTH, "a/m")


def test_every_success_is_reported_and_clears_the_failures() -> None:
    """The origin reported success only where an offering id was set."""
    run = world((candidate("a/m"), [failing(K.SERVER_ERROR), answer()]))
    run.play()
    assert run.health.known[CircuitKey("a")].failures

    run.play()

    assert run.health.known[CircuitKey("a")].failures == ()


def test_streams_arrive_in_pieces_and_the_whole_run_has_a_deadline() -> None:
    """The origin's fleet gave a stream as one chunk, and no limit held for a whole request."""
    run = world((candidate("a/m"), [[Say("one ", 1.0), Say("two ", 1.0), Silence(100.0)]]), limits=Limits(deadline_seconds=5.0))

    events = run.play()

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["one ", "two "]
    assert (last(events).outcome, round(events[-1].elapsed_ms)) == ("deadline", 5000)
