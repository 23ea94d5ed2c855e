"""What the circuits of one run's candidates allow: who is shut out, who may be called, and whom to call in spite of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from llmesc.escalation.circuits import Admission, Circuit, CircuitState, Refusal, effective_state
from llmesc.escalation.obstacles import best_of
from llmesc.escalation.ports import Health
from llmesc.escalation.resolution import CircuitKey, Resolution
from llmesc.escalation.times import Clock


class Admissions:
    """Of one run."""

    def __init__(self, health: Health, clock: Clock) -> None:
        self._health = health
        self._clock = clock
        self.circuits: Mapping[CircuitKey, Circuit] = {}
        """As they were at the last look."""
        self._shut_out: list[tuple[Resolution, Refusal]] = []
        """Those that an open circuit kept from being called."""
        self.defied: Resolution | None = None
        """It is called although its circuit, like all others, is open."""

    async def look(self, candidates: Collection[Resolution]) -> None:
        """Reads their circuits: what is said from now on is as they are now."""
        self.circuits = await self._health.circuits({candidate.circuit_key for candidate in candidates})

    def shut_out(self, candidate: Resolution, refused: Refusal) -> None:
        """It was passed over for its circuit's sake."""
        if refused.reason == "circuit_open":
            self._shut_out.append((candidate, refused))

    def would_probe(self, candidate: Resolution) -> bool:
        """Whether a call would be the probe of its circuit, or wait for one that is made elsewhere, as of the last look."""
        circuit = self.circuits.get(candidate.circuit_key)
        return circuit is not None and effective_state(circuit, self._clock.now()) is CircuitState.HALF_OPEN

    async def admit(self, candidate: Resolution, against: Circuit | None) -> Admission | Refusal:
        """Asks its circuit for the permission to call; `against`: the circuit, where it is called in spite of that."""
        if against is not None:
            return Admission(key=candidate.circuit_key, generation=against.generation)
        return await self._health.admit(candidate.circuit_key)

    def defy(self) -> Resolution | None:
        """The best of those that were shut out, which may be called from now on; None where nobody was."""
        self.defied = best_of(self._shut_out)
        return self.defied
