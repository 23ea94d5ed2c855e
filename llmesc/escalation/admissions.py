"""What the circuits of one run's candidates allow: who is shut out, who may be called, and whom to call in spite of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from llmesc.escalation.circuits import Admission, Circuit, CircuitState, Refusal, effective_state, refusal
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.ports import Health
from llmesc.escalation.resolution import CircuitKey, Resolution
from llmesc.escalation.times import Clock

_HOPELESS = (FailureKind.RATE_LIMIT, FailureKind.ACCOUNT, FailureKind.AUTH)
"""What a call in spite of the circuit does not heal, the least hopeless first."""


class Admissions:
    """Of one run."""

    def __init__(self, health: Health, clock: Clock, *, skip_open_circuits: bool) -> None:
        self._health = health
        self._clock = clock
        self._skip_open_circuits = skip_open_circuits
        self._circuits: Mapping[CircuitKey, Circuit] = {}
        """As they were at the last look."""
        self._shut_out: list[tuple[Resolution, Refusal]] = []
        """Those that an open circuit kept from being called."""
        self.defied: Resolution | None = None
        """It is called although its circuit, like all others, is open."""

    async def look(self, candidates: Collection[Resolution]) -> None:
        """Reads their circuits: what is said from now on is as they are now."""
        self._circuits = await self._health.circuits({candidate.circuit_key for candidate in candidates})

    def refusal(self, candidate: Resolution) -> Refusal | None:
        """Why its circuit refuses, as of the last look."""
        refused = self._known_refusal(candidate)
        return None if refused is not None and refused.reason == "circuit_open" and self._defies(candidate) else refused

    def shut_out(self, candidate: Resolution, refused: Refusal) -> None:
        """It was passed over for its circuit's sake."""
        if refused.reason == "circuit_open":
            self._shut_out.append((candidate, refused))

    def would_probe(self, candidate: Resolution) -> bool:
        """Whether a call would be the probe of its circuit, or wait for one that is made elsewhere, as of the last look."""
        circuit = self._circuits.get(candidate.circuit_key)
        return circuit is not None and effective_state(circuit, self._clock.now()) is CircuitState.HALF_OPEN

    async def admit(self, candidate: Resolution) -> Admission | Refusal:
        """Asks its circuit for the permission to call, or does without where that is to be defied."""
        circuit = self._circuits.get(candidate.circuit_key)
        if circuit is not None and self._defies(candidate) and self._known_refusal(candidate):
            return Admission(key=candidate.circuit_key, generation=circuit.generation)
        return await self._health.admit(candidate.circuit_key)

    def defy(self) -> Resolution | None:
        """The best of those that were shut out, which may be called from now on: as the chain has them, but last those that time
        alone does not heal and those whose provider said when to come back. None where nobody was shut out.
        """
        kinds = [refused.cause.kind if refused.cause else "" for _, refused in self._shut_out]
        if not kinds:
            return None
        best = min(range(len(kinds)), key=lambda at: _HOPELESS.index(kinds[at]) + 1 if kinds[at] in _HOPELESS else 0)
        self.defied = self._shut_out[best][0]
        return self.defied

    def _known_refusal(self, candidate: Resolution) -> Refusal | None:
        circuit = self._circuits.get(candidate.circuit_key)
        return refusal(circuit, candidate.circuit_key, self._clock.now()) if circuit is not None else None

    def _defies(self, candidate: Resolution) -> bool:
        return not self._skip_open_circuits or candidate is self.defied
