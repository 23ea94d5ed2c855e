"""Circuit breakers as a pure function: `next_state(circuit, signal, now, policy)`.

One circuit for each (provider, instance). The store applies the function atomically, so that many processes agree.
Every transition raises the generation; a result that was started under an older generation changes nothing.

Wall time is never trusted to go forward: a moment that lies further ahead than it can have been set to is pulled back when
somebody next asks to call, so that a clock put back delays a probe by one cooldown at most.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import assert_never

from llmesc.escalation.circuit_types import (
    Admission,
    Admit,
    Cause,
    Circuit,
    CircuitPolicy,
    CircuitState,
    Failed,
    Lease,
    Overridden,
    Override,
    Recent,
    Refusal,
    Released,
    Reset,
    Signal,
    Succeeded,
    Transition,
    WeightedFailure,
)
from llmesc.escalation.quick import quick
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp

__all__ = [
    "Admission",
    "Admit",
    "Cause",
    "Circuit",
    "CircuitPolicy",
    "CircuitState",
    "Failed",
    "Lease",
    "Overridden",
    "Override",
    "Recent",
    "Refusal",
    "Released",
    "Reset",
    "Signal",
    "Succeeded",
    "Transition",
    "WeightedFailure",
    "admission",
    "current",
    "effective_state",
    "next_state",
]

RECENT_CALLS = 32
"""How many settled calls a circuit remembers."""

_LATENCY_SHARE = 0.2
"""What the newest call counts in the moving average."""

_CLOSED, _OPEN = CircuitState.CLOSED, CircuitState.OPEN
"""For what is asked of every candidate: to look up a member of an enum takes 50 ns, and this 5."""

_MOST_DOUBLINGS = 32
"""Beyond any cap; keeps the power finite however often a circuit re-opened."""


def next_state(
    circuit: Circuit, signal: Signal, now: Timestamp, policy: CircuitPolicy, *, jitter: float = 0.0
) -> tuple[Circuit, Transition | None]:
    """What the circuit becomes, and the transition where the state that people see changed.

    `jitter` is a random number in [0, 1) that the caller draws. Returns the same object when nothing changes.
    """
    changed = _apply(circuit, signal, now, policy, jitter)
    # A cooldown that ended shows as half-open before anybody asks; the change is told when the probe is admitted.
    before = circuit.state if isinstance(signal, Admit) else effective_state(circuit, now)
    after = effective_state(changed, now)
    if changed is circuit or before is after:
        return changed, None
    return changed, Transition(before=before, after=after, cause=_cause(signal, now), retry_at=_shut_until(changed, now))


def admission(circuit: Circuit, key: CircuitKey, token: str, now: Timestamp) -> Admission | Refusal:
    """What a caller who asked with `Admit(token=token)` may do with the circuit that came of it."""
    if circuit.override is not None and (override := _override(circuit, now)):
        if override.state == "open":
            cause = _operator(f"forced open by {override.who}", override.why, override.set_at)
            return Refusal(key=key, reason="forced_open", retry_at=override.until, cause=cause)
        return Admission(key=key, generation=circuit.generation)
    if circuit.state is _OPEN:
        return quick(Refusal)(key=key, reason="circuit_open", retry_at=circuit.retry_at, cause=circuit.cause)
    if circuit.state is _CLOSED:
        return Admission(key=key, generation=circuit.generation)
    if _holds(circuit, token):
        return Admission(key=key, generation=circuit.generation, token=token)
    free_at = circuit.lease.expires_at if circuit.lease else now
    return Refusal(key=key, reason="probe_elsewhere", retry_at=free_at, cause=circuit.cause)


def effective_state(circuit: Circuit, now: Timestamp) -> CircuitState:
    """The state people should see: an override in force counts, and a cooldown that has ended shows as half-open.

    So does one that begins in the future: the clock was put back, and it takes somebody who asks to set the wait right.
    """
    if circuit.override is not None and (override := _override(circuit, now)):
        return CircuitState(override.state)
    if circuit.state is not _OPEN:
        return circuit.state
    retry_at, opened_at = circuit.retry_at, circuit.opened_at
    waits = retry_at is not None and retry_at > now and (opened_at is None or opened_at <= now)
    return _OPEN if waits else CircuitState.HALF_OPEN


def is_being_probed(circuit: Circuit | None) -> bool:
    """Whether somebody has the lease of a probe, and has not told yet what came of it."""
    return circuit is not None and circuit.state is CircuitState.HALF_OPEN and circuit.lease is not None


def refusal(circuit: Circuit, key: CircuitKey, now: Timestamp) -> Refusal | None:
    """Why an open circuit is not worth asking, known without asking; None where it is to be asked."""
    if effective_state(circuit, now) is not _OPEN:
        return None
    answer = admission(circuit, key, "", now)
    return answer if isinstance(answer, Refusal) else None


def current(circuit: Circuit, now: Timestamp) -> Circuit:
    """The circuit as readers should have it: an override that has expired is none."""
    return circuit if circuit.override is None or _override(circuit, now) else replace(circuit, override=None)


def _override(circuit: Circuit, now: Timestamp) -> Override | None:
    """The operator's word, unless it has expired."""
    override = circuit.override
    return override if override and (override.until is None or now < override.until) else None


def _apply(circuit: Circuit, signal: Signal, now: Timestamp, policy: CircuitPolicy, jitter: float) -> Circuit:
    match signal:
        case Admit():
            return _admit(circuit, signal, now, policy)
        case Succeeded():
            return _succeed(circuit, signal, now)
        case Failed():
            return _fail(circuit, signal, now, policy, jitter)
        case Released():
            return replace(circuit, lease=None) if _holds(circuit, signal.token) else circuit
        case Overridden():
            return replace(circuit, override=signal.override, generation=circuit.generation + 1)
        case Reset():
            return Circuit(generation=circuit.generation + 1)
        case _:
            assert_never(signal)


def _admit(circuit: Circuit, signal: Admit, now: Timestamp, policy: CircuitPolicy) -> Circuit:
    """Grants the probe's lease where one is needed and free."""
    if circuit.state is CircuitState.CLOSED or _override(circuit, now):
        return circuit
    lease = Lease(token=signal.token, holder=signal.holder, expires_at=Timestamp(now + policy.probe_lease_seconds))
    if circuit.state is CircuitState.OPEN:
        circuit = _in_step_with_clock(circuit, now, policy)
        if effective_state(circuit, now) is _OPEN:
            return circuit
        generation = circuit.generation + 1
        return replace(circuit, state=CircuitState.HALF_OPEN, generation=generation, retry_at=None, lease=lease)
    held = circuit.lease
    if held is None or held.expires_at <= now:
        return replace(circuit, lease=lease)
    if held.expires_at > lease.expires_at:  # granted before the clock was put back
        return replace(circuit, lease=replace(held, expires_at=lease.expires_at))
    return circuit


def _succeed(circuit: Circuit, signal: Succeeded, now: Timestamp) -> Circuit:
    if not _counts(circuit, signal):
        return circuit
    before = circuit.latency_seconds
    latency = signal.latency_seconds if before is None else before + _LATENCY_SHARE * (signal.latency_seconds - before)
    recent = _recent(circuit, now, ok=True, latency_seconds=signal.latency_seconds)
    if circuit.state is CircuitState.CLOSED:
        return replace(circuit, recent=recent, latency_seconds=latency, failures=())
    if signal.token is None:  # a call that was made in spite of the circuit: only the probe closes it
        return replace(circuit, recent=recent, latency_seconds=latency)
    return replace(
        circuit,
        recent=recent,
        latency_seconds=latency,
        state=CircuitState.CLOSED,
        generation=circuit.generation + 1,
        failures=(),
        opened_at=None,
        opens=0,
        lease=None,
    )


def _fail(circuit: Circuit, signal: Failed, now: Timestamp, policy: CircuitPolicy, jitter: float) -> Circuit:
    if not _counts(circuit, signal):
        return circuit
    noted = replace(circuit, recent=_recent(circuit, now, ok=False, latency_seconds=signal.latency_seconds))
    if _override(circuit, now):
        return noted
    full = False
    if circuit.state is CircuitState.CLOSED:
        noted = replace(noted, failures=_in_window(circuit, signal, now, policy))
        full = sum(failure.weight for failure in noted.failures) >= policy.failure_threshold
    at_once = signal.trip or signal.retry_after_seconds is not None
    probe = signal.token is not None
    return _open(noted, signal, now, policy, jitter) if full or at_once or probe else noted


def _open(circuit: Circuit, signal: Failed, now: Timestamp, policy: CircuitPolicy, jitter: float) -> Circuit:
    """Opens it, or opens it again. One that is open already is never opened for less long than it was."""
    was_open = circuit.state is CircuitState.OPEN
    opens = circuit.opens if was_open else circuit.opens + 1
    if signal.retry_after_seconds is not None:
        wait = max(0.0, min(signal.retry_after_seconds, policy.max_retry_after_seconds))
    else:
        doubled = policy.cooldown_seconds * 2.0 ** min(opens - 1, _MOST_DOUBLINGS)
        wait = min(doubled, policy.max_cooldown_seconds) * (1 + policy.jitter * jitter)
    retry_at = now + wait
    if was_open:
        retry_at = max(retry_at, _in_step_with_clock(circuit, now, policy).retry_at or now)
    return replace(
        circuit,
        state=CircuitState.OPEN,
        generation=circuit.generation + 1,
        opened_at=now,
        retry_at=Timestamp(retry_at),
        opens=opens,
        lease=None,
        cause=signal.cause,
    )


def _in_window(circuit: Circuit, signal: Failed, now: Timestamp, policy: CircuitPolicy) -> tuple[WeightedFailure, ...]:
    """The failures that count, the oldest first, with this one. Those from the future (the clock was put back) happened now at
    the latest.
    """
    known = circuit.failures[bisect_right(circuit.failures, now - policy.window_seconds, key=lambda failure: failure.at) :]
    if known and known[-1].at > now:
        known = tuple(failure._replace(at=min(failure.at, now)) for failure in known)
    return (*known, WeightedFailure(now, signal.weight))


def _in_step_with_clock(circuit: Circuit, now: Timestamp, policy: CircuitPolicy) -> Circuit:
    """An open circuit whose wait is no longer than it can have been set to.

    It was opened in the future: the clock was put back, and the wait begins again, because how much of it has passed is not
    known. Later than a retry-after, but never earlier, and never stuck.
    """
    if circuit.retry_at is None:
        return circuit
    longest = max(policy.max_retry_after_seconds, policy.max_cooldown_seconds * (1 + policy.jitter))
    if not _opened_in_future(circuit, now) and circuit.retry_at - now <= longest:
        return circuit
    opened_at = now if circuit.opened_at is None else circuit.opened_at
    return replace(circuit, opened_at=now, retry_at=Timestamp(now + min(circuit.retry_at - opened_at, longest)))


def _recent(circuit: Circuit, now: Timestamp, *, ok: bool, latency_seconds: float) -> tuple[Recent, ...]:
    """The newest calls, with one more."""
    return (*circuit.recent, Recent(now, ok, latency_seconds))[-RECENT_CALLS:]


def _counts(circuit: Circuit, result: Succeeded | Failed) -> bool:
    """Whether a result says something of the circuit as it is now.

    A probe whose lease has expired still counts until another took it over: its result is the newest there is.
    """
    return result.generation == circuit.generation and (result.token is None or _holds(circuit, result.token))


def _holds(circuit: Circuit, token: str) -> bool:
    return circuit.lease is not None and circuit.lease.token == token


def _opened_in_future(circuit: Circuit, now: Timestamp) -> bool:
    return circuit.opened_at is not None and circuit.opened_at > now


def _shut_until(circuit: Circuit, now: Timestamp) -> Timestamp | None:
    if override := _override(circuit, now):
        return override.until if override.state == "open" else None
    return circuit.retry_at if circuit.state is CircuitState.OPEN else None


def _cause(signal: Signal, now: Timestamp) -> Cause:
    """Why the signal changed the state."""
    match signal:
        case Failed():
            return signal.cause
        case Succeeded():
            return Cause(kind="probe", message="the probe succeeded", at=now)
        case Overridden():
            return _operator(f"forced {signal.override.state} by {signal.override.who}", signal.override.why, now)
        case Reset():
            return _operator(f"reset by {signal.who}", signal.why, now)
        case Admit() | Released():
            return Cause(kind="probe", message="the cooldown has ended; one call may try", at=now)
        case _:
            assert_never(signal)


def _operator(what: str, why: str, at: Timestamp) -> Cause:
    return Cause(kind="operator", message=f"{what}: {why}" if why else what, at=at)
