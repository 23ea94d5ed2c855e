"""Laws that hold for a circuit in every story: any callers, any results, any operator, any clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
    Released,
    Reset,
    Signal,
    Succeeded,
    admission,
    current,
    effective_state,
    next_state,
)
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp

KEY = CircuitKey("openai", "default")
POLICY = CircuitPolicy(max_retry_after_seconds=2_000.0)
LONGEST_WAIT_SECONDS = POLICY.max_retry_after_seconds
JITTERS = st.sampled_from([0.0, 0.5, 0.999])


class CircuitLaws(RuleBasedStateMachine):
    """Several callers, one operator and a wall clock share one circuit."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Timestamp(1_000_000.0)
        self.circuit = Circuit()
        self.calls: list[Admission] = []
        """Admitted and not settled."""
        self.asked = 0
        self.not_before: Timestamp | None = None
        """What a provider asked for, unless an operator or a clock said otherwise since."""

    def tell(self, signal: Signal, jitter: float = 0.0) -> None:
        before = self.circuit
        self.circuit, change = next_state(before, signal, self.now, POLICY, jitter=jitter)
        assert self.circuit.generation >= before.generation
        stored_state_changed = self.circuit.state is not before.state or isinstance(signal, Overridden | Reset)
        assert (self.circuit.generation > before.generation) >= stored_state_changed, "a transition raises the generation"
        if change is not None:
            assert change.before is not change.after
            assert change.after is effective_state(self.circuit, self.now)
            assert self.circuit is not before

    # -- what may happen ------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.001, 1.0, 59.0, 60.0, 149.5, 200.0, 1_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now = Timestamp(self.now + seconds)

    @rule(seconds=st.sampled_from([0.001, 30.0, 500.0, 500_000.0]))
    def the_clock_is_put_back(self, seconds: float) -> None:
        self.now = Timestamp(self.now - seconds)
        self.not_before = None

    @rule()
    def somebody_asks(self) -> None:
        self.asked += 1
        token = f"token-{self.asked}"
        before = self.circuit
        self.tell(Admit(token=token, holder="host:1"))
        answer = admission(self.circuit, KEY, token, self.now)
        if before.state is CircuitState.CLOSED:
            assert self.circuit is before
        if not isinstance(answer, Admission):
            return
        override = current(self.circuit, self.now).override
        assert override is None or override.state == "closed"
        if override is None:
            assert self.not_before is None or self.now >= self.not_before, "never earlier than the provider asked for"
            assert (answer.token is None) == (self.circuit.state is CircuitState.CLOSED)
        if answer.token is not None:
            held = before.lease
            assert held is None or held.expires_at <= self.now, "never two live leases"
            assert self.circuit.lease is not None
            assert self.circuit.lease.token == token
        self.calls.append(answer)

    def settle(self, data: st.DataObject, signal: Callable[[Admission], Signal], jitter: float = 0.0) -> None:
        call = data.draw(st.sampled_from(self.calls))
        self.calls.remove(call)
        before = self.circuit
        self.tell(signal(call), jitter)
        if call.generation != before.generation and not isinstance(signal(call), Released):
            assert self.circuit is before, "a result of another generation changes nothing"
        taken_over = before.lease is not None and before.lease.token != call.token
        if call.token is not None and taken_over:
            assert self.circuit is before, "a lease that somebody else took over gives no right"

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_succeeds(self, data: st.DataObject) -> None:
        self.settle(data, lambda call: Succeeded(generation=call.generation, latency_seconds=1.0, token=call.token))

    @precondition(lambda self: self.calls)
    @rule(
        data=st.data(),
        weight=st.sampled_from([0.5, 1.0]),
        trip=st.booleans(),
        retry_after=st.none() | st.sampled_from([0.0, 7.0, 500.0, 1e9]),
        jitter=JITTERS,
    )
    def a_call_fails(self, data: st.DataObject, weight: float, trip: bool, retry_after: float | None, jitter: float) -> None:
        cause = Cause(kind="rate_limit", message="", at=self.now)
        before = self.circuit
        self.settle(
            data,
            lambda call: Failed(
                generation=call.generation,
                weight=weight,
                cause=cause,
                token=call.token,
                trip=trip,
                retry_after_seconds=retry_after,
            ),
            jitter,
        )
        opened = self.circuit.state is CircuitState.OPEN and self.circuit.generation > before.generation
        if opened and retry_after is not None:
            self.not_before = Timestamp(self.now + min(retry_after, POLICY.max_retry_after_seconds))
            if before.state is not CircuitState.OPEN:
                assert self.circuit.retry_at == self.not_before, "exactly then, whatever the jitter"
        elif opened and before.state is not CircuitState.OPEN:
            assert self.circuit.retry_at is not None
            assert self.circuit.retry_at - self.now >= POLICY.cooldown_seconds - 1e-6, "jitter only upward"

    @precondition(lambda self: any(call.token for call in self.calls))
    @rule(data=st.data())
    def a_probe_tells_nothing(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from([call for call in self.calls if call.token]))
        self.calls.remove(call)
        assert call.token is not None
        before = self.circuit
        self.tell(Released(generation=call.generation, token=call.token))
        assert self.circuit.lease is None or self.circuit.lease == before.lease

    @rule(state=st.sampled_from(["open", "closed"]), for_seconds=st.none() | st.sampled_from([1.0, 100.0]))
    def an_operator_forces_it(self, state: Literal["open", "closed"], for_seconds: float | None) -> None:
        until = None if for_seconds is None else Timestamp(self.now + for_seconds)
        self.tell(Overridden(override=Override(state=state, who="ann", why="", set_at=self.now, until=until)))

    @rule()
    def an_operator_resets_it(self) -> None:
        self.tell(Reset(who="ann", why=""))
        self.not_before = None
        assert effective_state(self.circuit, self.now) is CircuitState.CLOSED

    # -- what always holds ----------------------------------------------------------------------------------------------

    @invariant()
    def an_operator_s_word_is_kept(self) -> None:
        if override := current(self.circuit, self.now).override:
            assert effective_state(self.circuit, self.now) == override.state

    @invariant()
    def it_is_never_stuck(self) -> None:
        """Whoever asks again after the longest wait may call, unless an operator forbids it."""
        circuit, later = self.circuit, self.now
        for token in ("now", "when an override has expired", "when the wait has passed"):
            circuit, _ = next_state(circuit, Admit(token=token, holder=""), later, POLICY)
            answer = admission(circuit, KEY, token, later)
            later = Timestamp(later + LONGEST_WAIT_SECONDS)
        override = current(circuit, later).override
        assert isinstance(answer, Admission) or (override is not None and override.state == "open")

    @invariant()
    def it_stays_small(self) -> None:
        assert len(self.circuit.recent) <= RECENT_CALLS
        assert sum(failure.weight for failure in self.circuit.failures) <= POLICY.failure_threshold + 1.0


CircuitLaws.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_circuit_laws = CircuitLaws.TestCase
