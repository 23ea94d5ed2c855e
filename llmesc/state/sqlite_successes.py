"""Successes that teach a circuit nothing but how long its calls take: written together, a moment later.

Whatever decides over calls is written at once: a failure, a probe, a success that clears failures. But of a closed circuit
without failures a success only moves the average and the sparkline, and a transaction of its own would cost each call some 70 µs
for that. Who is killed in between loses points of a sparkline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from llmesc.escalation.circuits import Circuit, CircuitPolicy, CircuitState, Succeeded, next_state
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp

if TYPE_CHECKING:
    from asyncio import TimerHandle

SOON_SECONDS = 0.1
"""How long they wait: as long as a token may until it is on record."""

MOST = 256
"""So many do not wait for that."""


def may_wait(circuit: Circuit, signal: Succeeded) -> bool:
    """Whether what `circuit` decides stays as it is."""
    return (
        circuit.state is CircuitState.CLOSED
        and not circuit.failures
        and circuit.override is None
        and signal.generation == circuit.generation
        and signal.token is None
    )


class _Waiting:
    """Of one circuit."""

    __slots__ = ("all", "noted", "on", "so_far")

    def __init__(self) -> None:
        self.all: list[tuple[Succeeded, Timestamp]] = []
        self.on: Circuit | None = None
        """As it was read."""
        self.noted: Circuit | None = None
        """With the first `so_far` of all noted on it."""
        self.so_far = 0


class Successes:
    """Those that wait, by circuit."""

    def __init__(self, policy: CircuitPolicy, write: Callable[[], None]) -> None:
        """`write`: called when it is time. Where it cannot, it is called again after the next success."""
        self._policy = policy
        self._write = write
        self._waiting: dict[CircuitKey, _Waiting] = {}
        self._timer: TimerHandle | None = None

    @property
    def keys(self) -> tuple[CircuitKey, ...]:
        """Of the circuits for which some wait."""
        return tuple(self._waiting)

    def add(self, key: CircuitKey, signal: Succeeded, at: Timestamp) -> None:
        """One more, of which the circuit says that it `may_wait`."""
        waiting = self._waiting.setdefault(key, _Waiting())
        waiting.all.append((signal, at))
        if len(waiting.all) >= MOST:
            self._write()
        elif self._timer is None:
            from asyncio import get_running_loop

            self._timer = get_running_loop().call_later(SOON_SECONDS, self._is_time)

    def noted_on(self, key: CircuitKey, circuit: Circuit) -> Circuit:
        """The circuit with those that wait for it. A failure that it has by now came after them, and stays; where it was opened
        meanwhile, they are of another generation and change nothing.
        """
        waiting = self._waiting.get(key)
        if waiting is None:
            return circuit
        if waiting.on is not circuit or waiting.noted is None:
            waiting.on, waiting.noted, waiting.so_far = circuit, circuit, 0
        for signal, at in waiting.all[waiting.so_far :]:
            noted, _ = next_state(waiting.noted, signal, at, self._policy)
            waiting.noted = noted if noted.failures == circuit.failures else replace(noted, failures=circuit.failures)
        waiting.so_far = len(waiting.all)
        return waiting.noted

    def written(self, keys: Iterable[CircuitKey]) -> None:
        """Those of these circuits are in the file now."""
        for key in keys:
            self._waiting.pop(key, None)

    def stop(self) -> None:
        """Nothing is written by itself any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_time(self) -> None:
        self._timer = None
        self._write()
