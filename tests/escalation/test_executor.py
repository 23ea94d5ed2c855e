"""The walk along a chain: what is called, what is skipped, what is learned, how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.circuits import CircuitState, Failed, Succeeded
from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptStarted,
    CandidateSkipped,
    CircuitChanged,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    Waiting,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.pieces import Finish
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import CircuitKey, Tier
from tests.escalation.world import Say, Silence, answer, candidate, failing, run_virtually, world

K = FailureKind


def called(events: list[Any]) -> list[str]:
    return [event.resolution.ref for event in events if isinstance(event, AttemptStarted)]


def skipped(events: list[Any]) -> dict[str, str]:
    return {event.resolution.ref: event.reason for event in events if isinstance(event, CandidateSkipped)}


def last(events: list[Any]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


@dataclass
class Case:
    """Candidates `a@1/m` (failing) and what else stands in the chain; who is called after the failure."""

    kind: FailureKind
    tier: Tier
    others: list[tuple[str, Tier, dict[str, Any]]]
    called: list[str]
    failure: dict[str, Any] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}-{self.tier.label}"


CLOUD, LOCAL, VLLM, FRONTIER = Tier.CLOUD, Tier.LOCAL, Tier.VLLM, Tier.FRONTIER
SIBLING = ("a@2/m", CLOUD, {})
OTHER_MODEL = ("a@1/n", CLOUD, {})
OTHER = ("z/m", FRONTIER, {})

CASES = [
    Case(K.AUTH, CLOUD, [OTHER_MODEL, SIBLING, OTHER], ["a@1/m", "a@2/m"]),
    Case(K.PERMISSION, CLOUD, [OTHER_MODEL, OTHER], ["a@1/m", "a@1/n"]),
    Case(K.ACCOUNT, CLOUD, [OTHER_MODEL, SIBLING, OTHER], ["a@1/m", "a@2/m"]),
    Case(K.RATE_LIMIT, CLOUD, [OTHER_MODEL, SIBLING], ["a@1/m", "a@2/m"]),
    Case(K.MODEL_UNAVAILABLE, CLOUD, [OTHER_MODEL, OTHER], ["a@1/m", "a@1/n"]),
    Case(K.PAYLOAD, CLOUD, [SIBLING, OTHER], ["a@1/m", "z/m"]),
    Case(K.CONTENT_POLICY, CLOUD, [SIBLING, OTHER_MODEL, OTHER], ["a@1/m", "z/m"]),
    Case(K.OVERLOADED, CLOUD, [SIBLING, OTHER_MODEL], ["a@1/m", "a@1/n"]),
    Case(K.SERVER_ERROR, CLOUD, [SIBLING, OTHER_MODEL], ["a@1/m", "a@1/n"]),
    Case(K.PROTOCOL, CLOUD, [SIBLING, OTHER], ["a@1/m", "z/m"]),
    # One sick GPU box does not hide its healthy siblings ...
    Case(
        K.OVERLOADED, VLLM, [("a@2/m", VLLM, {"endpoint": "http://gpu2"})], ["a@1/m", "a@2/m"], first={"endpoint": "http://gpu1"}
    ),
    Case(K.SERVER_ERROR, VLLM, [("a@2/m", VLLM, {})], ["a@1/m", "a@2/m"]),
    # ... but whatever else stands behind the same address is gone with it.
    Case(
        K.CONNECTION,
        VLLM,
        [("b/x", VLLM, {"endpoint": "http://gpu1"}), ("a@2/m", VLLM, {"endpoint": "http://gpu2"})],
        ["a@1/m", "a@2/m"],
        first={"endpoint": "http://gpu1"},
    ),
    Case(
        K.TIMEOUT,
        LOCAL,
        [("b/x", LOCAL, {"endpoint": "http://here"}), OTHER],
        ["a@1/m", "z/m"],
        first={"endpoint": "http://here"},
    ),
    Case(K.PRIVACY, CLOUD, [OTHER_MODEL, SIBLING], ["a@1/m", "a@2/m"]),
    # After an overflow: the next window that is known to be larger, also in the same tier.
    Case(
        K.CONTEXT_OVERFLOW,
        LOCAL,
        [("b/small", LOCAL, {"window": 2048}), ("c/unknown", LOCAL, {}), ("d/big", LOCAL, {"window": 32768}), OTHER],
        ["a@1/m", "d/big"],
        first={"window": 8192},
    ),
    Case(K.CONTEXT_OVERFLOW, LOCAL, [("c/unknown", LOCAL, {}), ("e/higher", CLOUD, {})], ["a@1/m", "e/higher"]),
    Case(K.MODEL_NOT_ALLOWED, CLOUD, [SIBLING, OTHER], ["a@1/m"]),
    Case(K.CLIENT_GONE, CLOUD, [SIBLING, OTHER], ["a@1/m"]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_failure_skips_what_the_table_says(case: Case) -> None:
    first = candidate("a@1/m", case.tier, **case.first)
    others = [candidate(ref, tier, **fields) for ref, tier, fields in case.others]
    run = world(
        (first, [failing(case.kind, **case.failure)]),
        *((other, [answer()]) for other in others),
        limits=Limits(max_attempts=9, wait=False),
    )

    events = run.play()

    assert called(events) == case.called
    assert last(events).outcome == ("answered" if len(case.called) > 1 else last(events).outcome)


CIRCUIT = [
    (K.AUTH, {}, "open"),
    (K.ACCOUNT, {}, "open"),
    (K.RATE_LIMIT, {"retry_after_seconds": 7.0}, "open"),
    (K.RATE_LIMIT, {}, "one failure"),
    (K.OVERLOADED, {}, "one failure"),
    (K.SERVER_ERROR, {}, "one failure"),
    (K.TIMEOUT, {}, "one failure"),
    (K.CONNECTION, {}, "one failure"),
    (K.PROTOCOL, {}, "one failure"),
    (K.PERMISSION, {}, "nothing"),
    (K.CONTEXT_OVERFLOW, {}, "nothing"),
    (K.MODEL_UNAVAILABLE, {}, "nothing"),
    (K.PAYLOAD, {}, "nothing"),
    (K.CONTENT_POLICY, {}, "nothing"),
    (K.MODEL_NOT_ALLOWED, {}, "nothing"),
    (K.PRIVACY, {}, "nothing"),
    (K.CLIENT_GONE, {}, "nothing"),
]


@pytest.mark.parametrize(("kind", "fields", "learned"), CIRCUIT)
def test_a_failure_tells_the_circuit_what_the_table_says(kind: Any, fields: Any, learned: str) -> None:
    run = world((candidate("a/m"), [failing(kind, **fields)]), limits=Limits(wait=False))

    run.play()

    circuit = run.health.known[CircuitKey("a")]
    weight = sum(failure.weight for failure in circuit.failures)
    assert {"open": circuit.state == "open", "one failure": weight == 1.0, "nothing": weight == 0 and circuit.state == "closed"}[
        learned
    ]


def test_open_circuits_are_called_where_the_setting_says_so() -> None:
    run = world((candidate("a/m"), [failing(K.AUTH), answer()]), limits=Limits(skip_open_circuits=False))
    run.play()

    events = run.play()

    assert called(events) == ["a/m"]
    assert last(events).outcome == "answered"


def test_a_quality_failure_goes_on_and_weighs_half() -> None:
    run = world(
        (candidate("a/m"), [answer("bad")]),
        (candidate("b/m", Tier.CLOUD), [answer()]),
    )

    events = run.play()

    checks = [(event.attempt, event.passed) for event in events if isinstance(event, QualityChecked)]
    assert checks == [(1, False), (2, True)]
    assert [failure.weight for failure in run.health.known[CircuitKey("a")].failures] == [0.5]
    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [3]
    switch = next(event for event in events if isinstance(event, ProviderSwitched))
    assert (switch.because, switch.move, switch.tier_upgrade) == ("quality", "escalation", True)


def test_the_best_answer_below_the_bar_is_kept() -> None:
    run = world((candidate("a/m"), [answer("bad")]), (candidate("b/m"), [failing(K.TIMEOUT)]))

    end = last(run.play())

    assert (end.outcome, end.answer.text, end.answer.score) == ("below_bar", "bad", 20)


def test_a_switch_away_from_a_primary_that_was_only_skipped_is_announced_too() -> None:
    run = world(
        (candidate("a/m"), [failing(K.AUTH)]),
        (candidate("b/m", Tier.FRONTIER), [answer()]),
    )
    run.play()

    switch = next(event for event in run.play() if isinstance(event, ProviderSwitched))

    assert (switch.from_resolution.ref, switch.to_resolution.ref) == ("a/m", "b/m")
    assert (switch.because, switch.tier_upgrade) == ("circuit_open", True)


def test_single_call_mode_calls_only_the_primary_and_still_reports_its_health() -> None:
    run = world(
        (candidate("a/m"), [failing(K.SERVER_ERROR)]),
        (candidate("b/m"), [answer()]),
        limits=Limits(escalation=False),
    )

    events = run.play()

    assert called(events) == ["a/m"]
    assert last(events).cause.kind == K.SERVER_ERROR
    assert any(isinstance(signal, Failed) for _, signal in run.health.signals)


def test_what_our_policy_forbids_ends_the_run_and_touches_nothing() -> None:
    from llmesc.escalation.events import Rejected

    primary = candidate("a/m")
    run = world(
        (primary, [answer()]),
        forbidden=Rejected(resolution=primary, reason="not_allowed", detail="a/m is not among allowed_models"),
    )

    events = run.play()

    assert (last(events).outcome, called(events)) == ("policy", [])
    assert (run.health.signals, run.health.denied) == ([], [])


def test_a_rate_limited_last_candidate_is_waited_for() -> None:
    run = world((candidate("a/m"), [failing(K.RATE_LIMIT, retry_after_seconds=7.0), answer()]))

    events = run.play()

    assert [round(event.elapsed_ms) for event in events if isinstance(event, AttemptStarted)] == [0, 7000]
    assert sum(isinstance(event, Waiting) for event in events) == 1
    assert last(events).outcome == "answered"


def test_a_rate_limit_past_the_deadline_is_not_waited_for_and_says_when() -> None:
    run = world((candidate("a/m"), [failing(K.RATE_LIMIT, retry_after_seconds=300.0)]), limits=Limits(deadline_seconds=60))

    events = run.play()

    end = last(events)
    assert (end.outcome, end.retry_at - events[0].at) == ("exhausted", pytest.approx(300.0))


TIMES = [
    ("first_token", [("silence", 31.0)], 30.0),
    ("stall", [("say", "Raft", 1.0), ("silence", 16.0)], 16.0),
    ("total", [("say", "x" * 120, 10.0)] * 20, 120.0),
    ("min_rate", [("say", "x", 10.0)] * 20, 30.0),
]


@pytest.mark.parametrize(("breach", "script", "after"), TIMES, ids=[row[0] for row in TIMES])
def test_a_provider_that_does_not_live_by_content_is_left(breach: str, script: Any, after: float) -> None:
    steps = [Silence(step[1]) if step[0] == "silence" else Say(step[1], step[2]) for step in script]
    run = world(
        (candidate("a/m"), [steps]),
        (candidate("b/m"), [answer()]),
        timeouts=Timeouts(total_seconds=120.0),
        limits=Limits(deadline_seconds=600.0),
    )

    events = run.play()

    failed = next(event for event in events if isinstance(event, ProviderFailed))
    assert (failed.failure.kind, failed.failure.rule) == (K.TIMEOUT, f"liveness.{breach}")
    assert failed.elapsed_ms / 1000 == pytest.approx(after, abs=0.01)
    assert called(events) == ["a/m", "b/m"]
    assert run.providers["a/m"].closed == 1


def test_the_deadline_stops_the_attempt_and_blames_nobody() -> None:
    run = world((candidate("a/m"), [[Silence(90.0)]]), limits=Limits(deadline_seconds=20.0))

    events = run.play()

    finished = next(event for event in events if isinstance(event, AttemptFinished))
    assert (finished.outcome, finished.duration_seconds) == ("cancelled", pytest.approx(20.0))
    assert last(events).outcome == "deadline"
    assert not any(isinstance(signal, Failed) for _, signal in run.health.signals)


def test_the_deadline_ends_a_slow_check_and_the_answer_is_kept_unjudged() -> None:
    run = world((candidate("a/m"), [answer()]), limits=Limits(deadline_seconds=20.0), judging_seconds=90.0)

    events = run.play()

    end = last(events)
    assert (end.outcome, end.answer.text, end.answer.score) == ("deadline", "A good answer.", None)
    assert end.elapsed_ms == pytest.approx(20_000)
    assert next(event for event in events if isinstance(event, AttemptFinished)).outcome == "cancelled"
    assert not any(isinstance(event, QualityChecked | AnswerReset) for event in events)
    assert not any(isinstance(signal, Failed | Succeeded) for _, signal in run.health.signals)


def test_a_run_that_is_cancelled_during_a_slow_check_ends_at_once_and_blames_nobody() -> None:
    run = world((candidate("a/m"), [answer()]), (candidate("b/m"), [answer()]), judging_seconds=90.0)

    async def main(loop: Any) -> None:
        async with run.run(loop) as handle:
            loop.call_later(5.0, handle.cancel)
            await handle.finished()

    run_virtually(main)

    end = last(run.events)
    assert (end.outcome, end.answer.text, called(run.events)) == ("cancelled", "A good answer.", ["a/m"])
    assert end.elapsed_ms == pytest.approx(5000)
    assert not any(isinstance(signal, Failed | Succeeded) for _, signal in run.health.signals)


def test_a_probe_whose_check_does_not_end_in_time_gives_its_lease_back() -> None:
    run = world(
        (candidate("a/m"), [failing(K.AUTH), answer()]), limits=Limits(deadline_seconds=20.0, wait=False), judging_seconds=90.0
    )
    run.play()
    run.health.known[CircuitKey("a")] = replace(run.health.known[CircuitKey("a")], retry_at=1.0)

    run.play()

    circuit = run.health.known[CircuitKey("a")]
    assert (circuit.state, circuit.lease) == (CircuitState.HALF_OPEN, None)


def test_the_time_of_a_check_is_not_the_providers() -> None:
    run = world((candidate("a/m"), [[Say("A good answer.", 2.0), Finish("stop")]]), judging_seconds=30.0)

    events = run.play()

    assert next(event for event in events if isinstance(event, AttemptFinished)).duration_seconds == pytest.approx(2.0)
    assert run.health.signals[-1][1].latency_seconds == pytest.approx(2.0)
    assert last(events).totals.duration_seconds == pytest.approx(32.0)


def test_an_answer_that_is_complete_does_not_wait_for_a_connection_that_stays_open() -> None:
    run = world((candidate("a/m"), [[Say("Done."), Finish("stop"), Silence(3600.0)]]))

    events = run.play()

    assert last(events).outcome == "answered"
    assert events[-1].elapsed_ms < 2100


def test_the_cost_cap_skips_what_would_break_it() -> None:
    from llmesc.escalation.resolution import Price

    dear = candidate("a/m")
    price = Price(input_per_million=Decimal(1_000_000), output_per_million=Decimal(1_000_000))
    dear = replace(dear, offering=replace(dear.offering, price=price))
    run = world((dear, [answer()]), limits=Limits(max_cost=Decimal("0.01")))

    events = run.play()

    assert skipped(events) == {"a/m": "over_budget"}
    assert last(events).outcome == "deadline"


def test_a_candidate_without_its_key_is_skipped_and_gives_its_permission_back() -> None:
    run = world(
        (candidate("a/m"), [answer()]),
        (candidate("b/m"), [answer()]),
        missing_credentials=frozenset({"a/m"}),
    )

    events = run.play()

    assert skipped(events) == {"a/m": "no_credentials"}
    assert called(events) == ["b/m"]


def test_a_bug_in_a_wire_is_that_candidates_failure() -> None:
    run = world((candidate("a/m"), [[object()]]), (candidate("b/m"), [answer()]))

    events = run.play()

    assert called(events) == ["a/m", "b/m"]


def test_a_consumer_that_fails_is_dropped_and_does_not_stop_the_run() -> None:
    class Broken:
        seen = 0

        async def consume(self, event: object) -> None:
            self.seen += 1
            raise OSError("disk full")

    broken = Broken()
    run = world((candidate("a/m"), [answer()]), extra_consumers=(broken,))

    events = run.play()

    assert last(events).outcome == "answered"
    assert (broken.seen, run.warnings) == (1, ["Broken was dropped: disk full"])


def test_three_failures_open_the_circuit_and_a_probe_that_succeeds_closes_it() -> None:
    run = world(
        (candidate("a/m"), [failing(K.SERVER_ERROR)] * 3 + [answer()]),
        (candidate("b/m"), [answer()]),
    )
    for _ in range(3):
        run.play()
    assert run.health.known[CircuitKey("a")].state is CircuitState.OPEN
    run.health.known[CircuitKey("a")] = replace(run.health.known[CircuitKey("a")], retry_at=1.0)

    events = run.play()

    changes = [(event.before, event.after) for event in events if isinstance(event, CircuitChanged)]
    assert changes == [("open", "half_open"), ("half_open", "closed")]
    assert any(event.probe for event in events if isinstance(event, AttemptStarted))
    assert isinstance(run.health.signals[-1][1], Succeeded)


def test_nothing_callable_says_when() -> None:
    run = world((candidate("a/m"), [failing(K.ACCOUNT)]))
    run.play()

    events = run.play()

    end = last(events)
    assert (end.outcome, called(events)) == ("nothing_callable", [])
    assert end.retry_at > events[0].at


def test_a_wire_that_cannot_carry_the_request_is_skipped_and_what_another_changes_is_told() -> None:
    run = world(
        (candidate("a/m"), [answer()]),
        (candidate("b/m"), [answer()]),
        fits={"a/m": Fit(obstacle="takes no pictures"), "b/m": Fit(repairs=("tool calls get new ids",))},
    )

    events = run.play()

    assert skipped(events) == {"a/m": "unsupported"}
    assert [event.repairs for event in events if isinstance(event, AttemptStarted)] == [("tool calls get new ids",)]
    assert run.health.known == {CircuitKey("b"): run.health.known[CircuitKey("b")]}, "its circuit was not even asked"
