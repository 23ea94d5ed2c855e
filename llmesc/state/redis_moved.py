"""Moments as another clock tells them: what is stored has the server's time, what this host is told has its own."""

from __future__ import annotations

from dataclasses import replace

from llmesc.escalation.circuits import Admission, Cause, Circuit, Failed, Overridden, Override, Refusal, Signal, Transition
from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp


def moved_circuit(circuit: Circuit, seconds: float) -> Circuit:
    """All its moments that much later."""
    if not seconds:
        return circuit
    lease = circuit.lease
    return replace(
        circuit,
        failures=tuple(failure._replace(at=Timestamp(failure.at + seconds)) for failure in circuit.failures),
        opened_at=_at(circuit.opened_at, seconds),
        retry_at=_at(circuit.retry_at, seconds),
        lease=lease and replace(lease, expires_at=Timestamp(lease.expires_at + seconds)),
        cause=_cause(circuit.cause, seconds),
        override=_override(circuit.override, seconds),
        recent=tuple(call._replace(at=Timestamp(call.at + seconds)) for call in circuit.recent),
    )


def moved_signal(signal: Signal, seconds: float) -> Signal:
    """As `moved_circuit`: the cause of a failure, the end of an operator's word."""
    match signal:
        case Failed():
            return replace(signal, cause=replace(signal.cause, at=Timestamp(signal.cause.at + seconds))) if seconds else signal
        case Overridden(override=override):
            return Overridden(override=_override(override, seconds) or override)
        case _:
            return signal


def moved_transition(transition: Transition | None, seconds: float) -> Transition | None:
    """As `moved_circuit`."""
    if transition is None or not seconds:
        return transition
    cause = replace(transition.cause, at=Timestamp(transition.cause.at + seconds))
    return replace(transition, cause=cause, retry_at=_at(transition.retry_at, seconds))


def moved_answer(answer: Admission | Refusal, seconds: float) -> Admission | Refusal:
    """As `moved_circuit`."""
    if isinstance(answer, Admission) or not seconds:
        return answer
    return replace(answer, retry_at=_at(answer.retry_at, seconds), cause=_cause(answer.cause, seconds))


def moved_denial(denial: Denial, seconds: float) -> Denial:
    """As `moved_circuit`."""
    if not seconds:
        return denial
    return replace(denial, set_at=Timestamp(denial.set_at + seconds), until=_at(denial.until, seconds))


def _at(at: Timestamp | None, seconds: float) -> Timestamp | None:
    return None if at is None else Timestamp(at + seconds)


def _cause(cause: Cause | None, seconds: float) -> Cause | None:
    return cause and replace(cause, at=Timestamp(cause.at + seconds))


def _override(override: Override | None, seconds: float) -> Override | None:
    if override is None or not seconds:
        return override
    return replace(override, set_at=Timestamp(override.set_at + seconds), until=_at(override.until, seconds))
