"""What a circuit is, and what the world may tell it. `circuits` says how it changes; import all names from there."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp


class CircuitState(StrEnum):
    """Closed lets calls through, open does not, half-open lets one probe through at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitPolicy:
    """When a circuit opens and for how long; `[circuit]` of the configuration."""

    failure_threshold: float = 3.0
    window_seconds: float = 300.0
    cooldown_seconds: float = 60.0
    max_cooldown_seconds: float = 900.0
    max_retry_after_seconds: float = 86_400.0
    probe_lease_seconds: float = 150.0
    """How long a probe may take before its lease is free again: longer than an attempt may last."""
    jitter: float = 0.1
    """At most this part of a cooldown is added to it, never taken away."""


class WeightedFailure(NamedTuple):
    """A failure that still counts in the window."""

    at: Timestamp
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a circuit is as it is, for people."""

    kind: str
    """A failure kind, `quality`, `operator`, or `probe`: the cooldown ended and one call may try, or tried and succeeded."""
    message: str
    at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to make the one probe of a half-open circuit."""

    token: str
    holder: str
    """Who: `host:pid`, for people."""
    expires_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An operator's word, stronger than what the circuit learned, until it expires."""

    state: Literal["open", "closed"]
    who: str
    why: str
    set_at: Timestamp
    until: Timestamp | None
    """None: until taken back (`circuits reset`)."""


class Recent(NamedTuple):
    """One settled call, for sparklines."""

    at: Timestamp
    ok: bool
    latency_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What is known of one provider instance's health. The default value is a circuit nobody has used."""

    state: CircuitState = CircuitState.CLOSED
    generation: int = 0
    failures: tuple[WeightedFailure, ...] = ()
    opened_at: Timestamp | None = None
    retry_at: Timestamp | None = None
    """The earliest moment of the next probe, while open."""
    opens: int = 0
    """Times opened in a row without a success between; the cooldown doubles with each."""
    lease: Lease | None = None
    cause: Cause | None = None
    """Why it opened last; kept after it closed."""
    override: Override | None = None
    latency_seconds: float | None = None
    """Moving average of successful calls."""
    recent: tuple[Recent, ...] = ()
    """The last 32 settled calls, oldest first."""


# -- signals: what the world tells a circuit ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """A call under `generation` ended well. `token` is the probe's, where it was one."""

    generation: int
    latency_seconds: float
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call under `generation` failed with `weight` (an error 1.0, a quality failure 0.5)."""

    generation: int
    weight: float
    cause: Cause
    latency_seconds: float = 0.0
    token: str | None = None
    trip: bool = False
    """Open at once, whatever was counted (a rejected key, an empty account)."""
    retry_after_seconds: float | None = None
    """Open at once, and exactly until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A call ended without telling anything (cancelled, a lost hedge, a payload failure): give back its lease."""

    generation: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """An operator forced it open (drain) or closed."""

    override: Override


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """An operator put it right: closed, nothing counted, no override."""

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Somebody wants to call. `token` becomes the probe's lease where one is needed and free."""

    token: str
    holder: str


Signal = Succeeded | Failed | Released | Overridden | Reset | Admit


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change of a circuit's effective state, as `circuit_changed` tells it."""

    before: CircuitState
    after: CircuitState
    cause: Cause
    retry_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The permission to call: hand `generation` and `token` back with the result."""

    key: CircuitKey
    generation: int
    token: str | None = None
    """Set when this call is the probe of a half-open circuit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No permission to call."""

    key: CircuitKey
    reason: Literal["circuit_open", "forced_open", "probe_elsewhere"]
    retry_at: Timestamp | None
    """When it is worth asking again; None where only an operator can say."""
    cause: Cause | None = None
