"""What a circuit does, case by case. `test_circuit_laws` states what holds for every story."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest

from llmesc.escalation.circuits import (
    RECENT_CALLS,
    Admission,
    Admit,
    Cause,
    Circuit,
    CircuitPolicy,
    CircuitState,
    Failed,
    Overridden,
    Override,
    Refusal,
    Released,
    Reset,
    Signal,
    Succeeded,
    Transition,
    admission,
    current,
    effective_state,
    next_state,
)
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp

KEY = CircuitKey("openai", "team-a")
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
DAY_SECONDS = 86_400.0


@dataclass
class Bench:
    """One circuit, its clock, and the words to tell a story with."""

    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    circuit: Circuit = field(default_factory=Circuit)
    now: float = 1_000.0
    transitions: list[Transition] = field(default_factory=list)

    @property
    def state(self) -> CircuitState:
        return effective_state(self.circuit, Timestamp(self.now))

    @property
    def wait_seconds(self) -> float:
        assert self.circuit.retry_at is not None
        return self.circuit.retry_at - self.now

    def tell(self, signal: Signal, *, jitter: float = 0.0) -> Transition | None:
        self.circuit, change = next_state(self.circuit, signal, Timestamp(self.now), self.policy, jitter=jitter)
        if change:
            self.transitions.append(change)
        return change

    def ask(self, token: str = "mine") -> Admission | Refusal:
        self.tell(Admit(token=token, holder="host:1"))
        return admission(self.circuit, KEY, token, Timestamp(self.now))

    def fail(self, *, times: int = 1, weight: float = 1.0, jitter: float = 0.0, **more: Any) -> Transition | None:
        change = None
        for _ in range(times):
            signal = Failed(**{"generation": self.circuit.generation, "weight": weight, "cause": self.why(), **more})
            change = self.tell(signal, jitter=jitter)
        return change

    def succeed(self, *, latency_seconds: float = 1.0, **more: Any) -> Transition | None:
        return self.tell(Succeeded(**{"generation": self.circuit.generation, "latency_seconds": latency_seconds, **more}))

    def force(self, state: Literal["open", "closed"], for_seconds: float | None = None, why: str = "drain") -> Transition | None:
        until = None if for_seconds is None else Timestamp(self.now + for_seconds)
        return self.tell(Overridden(override=Override(state=state, who="ann", why=why, set_at=Timestamp(self.now), until=until)))

    def open_and_cool(self) -> None:
        self.fail(trip=True)
        self.now += self.wait_seconds

    def why(self) -> Cause:
        return Cause(kind="server_error", message="503", at=Timestamp(self.now))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@dataclass(frozen=True)
class Opening:
    """Failures, the seconds between them, and the state they lead to."""

    id: str
    failures: tuple[dict[str, Any], ...]
    expected: CircuitState
    apart_seconds: float = 0.0


ONE, HALF = {"weight": 1.0}, {"weight": 0.5}

OPENINGS = [
    Opening("two errors are not enough", (ONE,) * 2, CLOSED),
    Opening("three errors are", (ONE,) * 3, OPEN),
    Opening("five quality failures are not enough", (HALF,) * 5, CLOSED),
    Opening("six are", (HALF,) * 6, OPEN),
    Opening("errors and quality failures add up", (ONE, HALF, ONE, HALF), OPEN),
    Opening("three errors inside the window", (ONE,) * 3, OPEN, apart_seconds=149),
    Opening("the first of three left the window", (ONE,) * 3, CLOSED, apart_seconds=150),
    Opening("a trip opens at once, whatever it weighs", ({"weight": 0.0, "trip": True},), OPEN),
    Opening("a retry-after opens at once", ({"weight": 1.0, "retry_after_seconds": 5.0},), OPEN),
]


@pytest.mark.parametrize("case", OPENINGS, ids=lambda case: case.id)
def test_what_opens_a_closed_circuit(bench: Bench, case: Opening) -> None:
    for failure in case.failures:
        bench.fail(**failure)
        bench.now += case.apart_seconds
    bench.now -= case.apart_seconds

    assert bench.state is case.expected
    assert [change.after for change in bench.transitions] == ([OPEN] if case.expected is OPEN else [])


@dataclass(frozen=True)
class Wait:
    """An opening, and the wait it must lead to."""

    id: str
    opens_before: int
    jitter: float
    signal: dict[str, Any]
    expected_seconds: float


TRIP = {"weight": 1.0, "trip": True}

WAITS = [
    Wait("the first cooldown", 0, 0.0, TRIP, 60),
    Wait("doubled when opened again", 1, 0.0, TRIP, 120),
    Wait("and again", 2, 0.0, TRIP, 240),
    Wait("up to the longest", 4, 0.0, TRIP, 900),
    Wait("however often it was opened", 5_000, 0.0, TRIP, 900),
    Wait("jitter only makes it longer", 0, 0.5, TRIP, 63),
    Wait("also the longest one", 9, 0.5, TRIP, 945),
    Wait("a retry-after is exact, whatever the jitter", 0, 0.9, {**TRIP, "retry_after_seconds": 7.25}, 7.25),
    Wait("and never doubled", 3, 0.9, {**TRIP, "retry_after_seconds": 7.25}, 7.25),
    Wait("a retry-after longer than any cooldown", 0, 0.0, {**TRIP, "retry_after_seconds": 7_200.0}, 7_200),
    Wait("a retry-after of a week is capped at a day", 0, 0.9, {**TRIP, "retry_after_seconds": 7 * DAY_SECONDS}, DAY_SECONDS),
    Wait("one without end too", 0, 0.0, {**TRIP, "retry_after_seconds": float("inf")}, DAY_SECONDS),
    Wait("a retry-after in the past means now", 0, 0.0, {**TRIP, "retry_after_seconds": -3.0}, 0),
    Wait("one that is no number means now", 0, 0.0, {**TRIP, "retry_after_seconds": float("nan")}, 0),
]


@pytest.mark.parametrize("case", WAITS, ids=lambda case: case.id)
def test_how_long_it_stays_open(bench: Bench, case: Wait) -> None:
    bench.circuit = replace(bench.circuit, opens=case.opens_before)

    bench.fail(jitter=case.jitter, **case.signal)

    assert bench.wait_seconds == pytest.approx(case.expected_seconds, abs=1e-9)


def test_a_success_while_closed_clears_the_failures(bench: Bench) -> None:
    bench.fail(times=2)
    bench.succeed()
    bench.fail(times=2)

    assert bench.state is CLOSED


def test_asking_a_closed_circuit_changes_nothing_so_that_a_store_need_not_write(bench: Bench) -> None:
    before = bench.circuit

    assert bench.ask() == Admission(key=KEY, generation=0, token=None)
    assert bench.circuit is before


def test_an_open_circuit_refuses_with_the_time_and_the_cause_and_is_not_changed_by_asking(bench: Bench) -> None:
    bench.fail(trip=True)
    before = bench.circuit
    bench.now += 59.9

    assert bench.ask() == Refusal(key=KEY, reason="circuit_open", retry_at=Timestamp(1_060.0), cause=before.cause)
    assert bench.circuit is before


def test_it_shows_half_open_as_soon_as_the_cooldown_ended_and_the_probe_is_told_as_the_transition(bench: Bench) -> None:
    bench.open_and_cool()
    assert (bench.circuit.state, bench.state) == (OPEN, HALF_OPEN)

    granted = bench.ask()

    assert granted == Admission(key=KEY, generation=2, token="mine")
    assert [(change.before, change.after) for change in bench.transitions] == [(CLOSED, OPEN), (OPEN, HALF_OPEN)]
    assert bench.transitions[0].retry_at == 1_060.0
    assert bench.transitions[1].retry_at is None


def test_one_probe_at_a_time_and_the_others_learn_when_its_lease_ends(bench: Bench) -> None:
    bench.open_and_cool()
    bench.ask("first")

    refused = bench.ask("second")

    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.retry_at) == ("probe_elsewhere", bench.now + bench.policy.probe_lease_seconds)
    assert bench.ask("first") == Admission(key=KEY, generation=2, token="first")


def test_a_probe_that_succeeds_closes_and_clears(bench: Bench) -> None:
    bench.fail(times=3)
    bench.now += 60
    bench.ask()

    change = bench.succeed(token="mine")

    assert change is not None
    assert (change.before, change.after, change.cause.kind) == (HALF_OPEN, CLOSED, "probe")
    assert bench.circuit.generation == 3
    assert (bench.circuit.failures, bench.circuit.opens, bench.circuit.lease, bench.circuit.retry_at) == ((), 0, None, None)
    assert bench.circuit.cause is not None, "why it opened last is kept"


@pytest.mark.parametrize("weight", [1.0, 0.5], ids=["error", "quality failure"])
def test_a_probe_that_fails_opens_it_again_for_twice_as_long(bench: Bench, weight: float) -> None:
    bench.open_and_cool()
    bench.ask()

    change = bench.fail(weight=weight, token="mine")

    assert change is not None
    assert (change.before, change.after) == (HALF_OPEN, OPEN)
    assert bench.wait_seconds == 120
    assert bench.circuit.lease is None


def test_a_probe_that_tells_nothing_gives_back_its_lease_and_nothing_else(bench: Bench) -> None:
    bench.open_and_cool()
    bench.ask("first")
    before = bench.circuit

    assert bench.tell(Released(generation=2, token="first")) is None

    assert bench.circuit == replace(before, lease=None)
    assert isinstance(bench.ask("second"), Admission)


def test_the_lease_of_a_killed_process_is_taken_over_and_the_late_holder_changes_nothing(bench: Bench) -> None:
    bench.open_and_cool()
    bench.ask("killed")
    bench.now += bench.policy.probe_lease_seconds - 0.1
    assert isinstance(bench.ask("next"), Refusal)
    bench.now += 0.1
    assert bench.ask("next") == Admission(key=KEY, generation=2, token="next")
    before = bench.circuit

    bench.succeed(token="killed")
    bench.fail(token="killed", trip=True)
    bench.tell(Released(generation=2, token="killed"))

    assert bench.circuit is before


def test_a_late_probe_whose_lease_nobody_took_over_still_counts(bench: Bench) -> None:
    bench.open_and_cool()
    bench.ask()
    bench.now += bench.policy.probe_lease_seconds + 1

    bench.succeed(token="mine")

    assert bench.state is CLOSED


@pytest.mark.parametrize("stale", [-1, +1], ids=["older", "of a state that was lost"])
@pytest.mark.parametrize("state", [CLOSED, OPEN, HALF_OPEN])
def test_a_result_of_another_generation_changes_nothing_not_even_the_latency(
    bench: Bench, state: CircuitState, stale: int
) -> None:
    bench.tell(Reset(who="ann", why=""))
    if state is not CLOSED:
        bench.open_and_cool()
    if state is HALF_OPEN:
        bench.ask()
    before = bench.circuit

    for token in (None, "mine"):
        bench.succeed(generation=before.generation + stale, token=token)
        bench.fail(generation=before.generation + stale, token=token, trip=True, retry_after_seconds=9.0)

    assert bench.circuit is before


def test_a_call_made_in_spite_of_an_open_circuit_neither_closes_it_nor_opens_it_anew(bench: Bench) -> None:
    bench.fail(trip=True)
    retry_at, generation = bench.circuit.retry_at, bench.circuit.generation
    bench.now += 10

    bench.succeed()
    bench.fail()

    assert (bench.state, bench.circuit.retry_at, bench.circuit.generation) == (OPEN, retry_at, generation)
    assert [call.ok for call in bench.circuit.recent] == [False, True, False]


@pytest.mark.parametrize(("seconds", "expected_seconds"), [(300.0, 300.0), (5.0, 50.0)], ids=["longer", "shorter"])
def test_a_retry_after_while_open_can_only_make_the_wait_longer(bench: Bench, seconds: float, expected_seconds: float) -> None:
    bench.fail(trip=True)
    bench.now += 10

    bench.fail(retry_after_seconds=seconds)

    assert bench.wait_seconds == expected_seconds


class TestOverrides:
    """An operator's word is stronger than what the circuit learned, until it expires."""

    def test_forced_open_refuses_until_its_time_and_says_who_and_why(self, bench: Bench) -> None:
        change = bench.force("open", for_seconds=600)

        assert change is not None
        assert (change.before, change.after, change.cause.message) == (CLOSED, OPEN, "forced open by ann: drain")
        refused = bench.ask()
        assert isinstance(refused, Refusal)
        assert (refused.reason, refused.retry_at) == ("forced_open", 1_600.0)
        assert refused.cause is not None
        assert refused.cause.kind == "operator"
        bench.now += 600
        assert isinstance(bench.ask(), Admission)

    def test_forced_open_for_good_has_no_time_to_try_again(self, bench: Bench) -> None:
        bench.force("open")
        bench.now += 365 * DAY_SECONDS

        refused = bench.ask()

        assert isinstance(refused, Refusal)
        assert refused.retry_at is None

    def test_forced_closed_admits_always_and_learns_nothing_that_opens_it(self, bench: Bench) -> None:
        bench.fail(trip=True)
        bench.force("closed", for_seconds=600)

        for _ in range(20):
            assert bench.ask() == Admission(key=KEY, generation=2, token=None)
            bench.fail(trip=True, retry_after_seconds=3_600.0)

        assert bench.state is CLOSED
        assert len(bench.circuit.recent) == 21

    def test_what_was_learned_before_holds_again_when_it_expires(self, bench: Bench) -> None:
        bench.fail(retry_after_seconds=3_600.0)
        bench.force("closed", for_seconds=600)
        bench.now += 600

        assert current(bench.circuit, Timestamp(bench.now)).override is None
        assert bench.state is OPEN
        assert isinstance(bench.ask(), Refusal)

    def test_calls_begun_before_it_no_longer_count(self, bench: Bench) -> None:
        bench.force("open", for_seconds=1)
        bench.now += 1
        before = bench.circuit

        bench.fail(generation=0, trip=True)

        assert bench.circuit is before

    @pytest.mark.parametrize("token", [None, "mine"])
    def test_a_reset_clears_it_and_everything_else(self, bench: Bench, token: str | None) -> None:
        bench.open_and_cool()
        if token:
            bench.ask(token)
        bench.force("open")
        generation = bench.circuit.generation

        change = bench.tell(Reset(who="ann", why="new key"))

        assert change is not None
        assert (change.after, change.cause.message) == (CLOSED, "reset by ann: new key")
        assert bench.circuit == Circuit(generation=generation + 1)


class TestClockPutBack:
    """Wall clocks are put right; a circuit is neither stuck then nor tried too early."""

    def test_an_open_circuit_begins_its_wait_again_at_the_latest(self, bench: Bench) -> None:
        bench.fail(retry_after_seconds=100.0)
        bench.now -= 10 * 365 * DAY_SECONDS

        assert bench.state is HALF_OPEN, "somebody has to ask, so it is not shown as open"
        refused = bench.ask()

        assert isinstance(refused, Refusal)
        assert refused.retry_at == bench.now + 100
        assert bench.state is OPEN
        bench.now += 100
        assert isinstance(bench.ask(), Admission)

    @pytest.mark.parametrize("opened_at", [None, Timestamp(0.0), Timestamp(1e9)])
    def test_a_wait_longer_than_any_that_is_set_is_cut(self, bench: Bench, opened_at: Timestamp | None) -> None:
        bench.circuit = Circuit(state=OPEN, opened_at=opened_at, retry_at=Timestamp(1e12))

        bench.ask()

        assert bench.wait_seconds == DAY_SECONDS

    def test_an_open_circuit_that_lost_its_time_is_tried_at_once(self, bench: Bench) -> None:
        bench.circuit = Circuit(state=OPEN)

        assert isinstance(bench.ask(), Admission)

    def test_a_lease_from_the_future_ends_one_lease_from_now(self, bench: Bench) -> None:
        bench.open_and_cool()
        bench.ask("killed")
        bench.now -= DAY_SECONDS

        refused = bench.ask("next")

        assert isinstance(refused, Refusal)
        assert refused.retry_at == bench.now + bench.policy.probe_lease_seconds
        bench.now += bench.policy.probe_lease_seconds
        assert isinstance(bench.ask("next"), Admission)

    def test_failures_from_the_future_leave_the_window_like_others(self, bench: Bench) -> None:
        bench.fail(times=2)
        bench.now -= DAY_SECONDS
        bench.fail(weight=0.5)
        bench.now += 300

        bench.fail(times=2)

        assert bench.state is CLOSED


class TestLatency:
    """Kept for people: an average that moves, and the last calls."""

    def test_the_average_begins_with_the_first_success_and_follows_slowly(self, bench: Bench) -> None:
        bench.succeed(latency_seconds=1.0)
        bench.fail(latency_seconds=100.0)
        bench.succeed(latency_seconds=2.0)

        assert bench.circuit.latency_seconds == pytest.approx(1.2)

    def test_only_the_last_calls_are_kept_oldest_first(self, bench: Bench) -> None:
        for call in range(RECENT_CALLS + 5):
            bench.succeed(latency_seconds=float(call))

        assert [call.latency_seconds for call in bench.circuit.recent] == [float(call) for call in range(5, RECENT_CALLS + 5)]
