"""What a state elsewhere last said of circuits and denials, kept in a small file: for a process that starts while it is away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmesc.escalation.circuits import Circuit, CircuitState
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.redis_url import RedisPlace
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state.stored import read_circuit, read_denial, stored_circuit, stored_denial

OLDEST_SECONDS = 86_400.0
"""What was seen longer ago counts no more: no cooldown and no retry-after is longer."""

FRESH_SECONDS = 3_600.0
"""What has not changed is written again after so long, to say that it still holds."""

MOST = 1_000
"""Circuits, and denials, that are kept; the latest seen. A file that is larger than so many can be is none of ours."""

_LARGEST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """By when each was seen, as this host's clock had it."""

    circuits: Mapping[CircuitKey, tuple[Timestamp, Circuit]] = field(default_factory=dict)
    """Only those that say something: one that is closed and without failures is as one never used."""
    denials: tuple[Denial, ...] = ()
    denials_seen_at: float = 0.0

    @property
    def latest(self) -> float:
        """When the last of it was seen; 0 where there is nothing."""
        moments = [float(seen_at) for seen_at, _ in self.circuits.values()]
        return max([*moments, *([self.denials_seen_at] if self.denials else [])], default=0.0)


class LastKnown:
    """One file for each state, shared by the processes of this host. One that cannot be read or written is as none: it is a help,
    and no record.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._known: Known | None = None

    @classmethod
    def of(cls, place: RedisPlace, folder: Path, clock: Clock) -> LastKnown:
        """That of the state at `place`; neither the file nor its name holds a password."""
        name = sha256(f"{place} {place.prefix}".encode()).hexdigest()[:16]
        return cls(folder / f"{name}.json", clock)

    def read(self) -> Known:
        """What is not too old."""
        now = self._clock.now()
        try:
            if self._path.stat().st_size > _LARGEST_BYTES:
                return Known()
            said = json.loads(self._path.read_bytes())
            known = _read(said)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Known()
        fresh = {key: seen for key, seen in known.circuits.items() if now - OLDEST_SECONDS < seen[0] <= now + FRESH_SECONDS}
        denied = known.denials if now - OLDEST_SECONDS < known.denials_seen_at <= now + FRESH_SECONDS else ()
        return Known(fresh, denied, known.denials_seen_at)

    def note_circuits(self, seen: Mapping[CircuitKey, Circuit], asked: Iterable[CircuitKey]) -> None:
        """These were seen among those `asked` for; written where it is news."""
        known, now = self._so_far().circuits, self._clock.now()
        news: dict[CircuitKey, Circuit | None] = {}
        for key in asked:
            circuit = seen.get(key)
            if circuit is not None and _says_something(circuit):
                if key not in known or _is_news(known[key], circuit, now):
                    news[key] = circuit
            elif key in known:
                news[key] = None
        if news:
            there = self.read()  # others of this host have seen more
            circuits = {key: told for key, told in there.circuits.items() if key not in news}
            circuits |= {key: (now, circuit) for key, circuit in news.items() if circuit is not None}
            latest = sorted(circuits.items(), key=lambda each: each[1][0], reverse=True)
            self._keep(replace(there, circuits=dict(latest[:MOST])))

    def note_denials(self, seen: tuple[Denial, ...]) -> None:
        """These are all; written where it is news."""
        known, now = self._so_far(), self._clock.now()
        if seen != known.denials or (seen and now - known.denials_seen_at > FRESH_SECONDS):
            self._keep(replace(self.read(), denials=seen[:MOST], denials_seen_at=now))

    def _so_far(self) -> Known:
        if self._known is None:
            self._known = self.read()
        return self._known

    def _keep(self, known: Known) -> None:
        self._known = known
        with suppress(OSError):
            self._write(json.dumps(_written(known), separators=(",", ":")).encode())

    def _write(self, text: bytes) -> None:
        """Whole or not at all."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(text)
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


def _says_something(circuit: Circuit) -> bool:
    return circuit.state is not CircuitState.CLOSED or bool(circuit.failures) or circuit.override is not None


def _is_news(known: tuple[Timestamp, Circuit], circuit: Circuit, now: Timestamp) -> bool:
    """How long calls took, which changes with each, is none."""
    seen_at, had = known
    return now - seen_at > FRESH_SECONDS or (had.generation, had.failures, had.retry_at, had.override, had.lease) != (
        circuit.generation,
        circuit.failures,
        circuit.retry_at,
        circuit.override,
        circuit.lease,
    )


def _written(known: Known) -> Mapping[str, Any]:
    return {
        "circuits": {
            f"{key.provider}@{key.instance}": [seen_at, stored_circuit(circuit)[0]]
            for key, (seen_at, circuit) in known.circuits.items()
        },
        "denials": [stored_denial(denial) for denial in known.denials],
        "denials_seen_at": known.denials_seen_at,
    }


def _read(said: Mapping[str, Any]) -> Known:
    """Raises ValueError, KeyError, TypeError and AttributeError where it is not what `_written` made."""
    circuits = {
        CircuitKey(*name.split("@", 1)): (Timestamp(float(seen_at)), read_circuit(body, b""))
        for name, (seen_at, body) in said["circuits"].items()
    }
    denials = (read_denial(body) for body in said["denials"])
    return Known(circuits, tuple(denial for denial in denials if denial), float(said["denials_seen_at"]))
