"""What is known of a circuit, in few characters and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.engine import CircuitLine
from llmesc.escalation.circuits import Circuit, CircuitPolicy, Recent
from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story import words

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 8


def weight(circuit: Circuit, policy: CircuitPolicy, now: Timestamp) -> str:
    """`1.5/3`: the weighted failures in the window, of the threshold; empty for none."""
    counted = sum(failure.weight for failure in circuit.failures if failure.at > now - policy.window_seconds)
    return f"{counted:g}/{policy.failure_threshold:g}" if counted else ""


def outcomes(recent: Sequence[Recent]) -> str:
    """The newest calls, the last at the right: a bar as high as the call was slow, `✗` where it failed."""
    shown = recent[-_SHOWN:]
    slowest = max((call.latency_seconds for call in shown if call.ok), default=0.0)
    return "".join(_bar(call.latency_seconds, slowest) if call.ok else "✗" for call in shown)


def _bar(seconds: float, slowest: float) -> str:
    return _BARS[min(int(seconds / slowest * len(_BARS)), len(_BARS) - 1)] if slowest else _BARS[0]


def about_circuit(line: CircuitLine, now: Timestamp) -> str:
    """The whole story of one circuit, in a line."""
    circuit = line.circuit
    parts = [str(line.key)]
    if (override := circuit.override) is not None:
        until = "until taken back" if override.until is None else f"until {words.ahead(override.until, now)}"
        parts.append(f"forced {override.state} by {override.who} {until}: {override.why or 'no reason given'}")
    if circuit.lease is not None and line.state == "half_open":
        parts.append(f"{circuit.lease.holder} probes it")
    if circuit.cause is not None:
        parts.append(f"last cause {words.plain_words(circuit.cause.kind)}: {circuit.cause.message}")
    if circuit.retry_at is not None and line.state == "open" and override is None:
        parts.append(f"next probe {words.ahead(circuit.retry_at, now)}")
    if circuit.latency_seconds is not None:
        parts.append(f"takes {words.seconds(circuit.latency_seconds)}")
    if not line.configured:
        parts.append("no longer configured")
    return one_line(" · ".join(parts), 400)


def about_denial(denial: Denial, now: Timestamp) -> str:
    """Who denied a model, why and until when."""
    until = "until allowed again" if denial.until is None else f"until {words.ahead(denial.until, now)}"
    return one_line(f"{denial.key} · denied by {denial.who or 'llmesc'} {until}: {denial.why or 'no reason given'}", 400)
