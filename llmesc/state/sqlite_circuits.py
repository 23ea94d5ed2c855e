"""Circuits and denials in SQLite, and what is remembered of them so that reading them again costs next to nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from sqlite3 import Connection

from llmesc.escalation.circuits import Circuit
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.denials import in_force, names
from llmesc.state.stored import read_circuit, read_denial, stored_circuit, stored_denial


class CircuitTable:
    """The circuits of the file as of the last look, kept up by asking only for what was written since.

    Rows are decoded when somebody wants them.
    """

    def __init__(self) -> None:
        self._known: dict[CircuitKey, Circuit | tuple[str, bytes]] = {}
        self._changed = 0
        self._of: Connection | None = None

    def refresh(self, connection: Connection) -> None:
        """Takes in what any process wrote. Of another connection nothing is known yet: another file may lie there."""
        if connection is not self._of:
            self._of, self._known, self._changed = connection, {}, 0
        rows = connection.execute(
            "SELECT provider, instance, changed, body, recent FROM circuits WHERE changed > ? ORDER BY changed", (self._changed,)
        )
        for provider, instance, changed, body, recent in rows:
            self._known[CircuitKey(provider, instance)] = (body, recent)
            self._changed = changed

    def some(self, keys: Collection[CircuitKey] | None) -> Iterator[tuple[CircuitKey, Circuit]]:
        """Those among `keys` that were ever used, as of the last refresh; None: all."""
        for key in tuple(self._known) if keys is None else keys:
            if (known := self._known.get(key)) is not None:
                yield key, known if isinstance(known, Circuit) else self.get(key)

    def knows(self, key: CircuitKey) -> bool:
        """Whether it was ever used, as of the last refresh."""
        return key in self._known

    def get(self, key: CircuitKey) -> Circuit:
        """One, as of the last refresh."""
        known = self._known.get(key)
        if isinstance(known, tuple):
            known = self._known[key] = read_circuit(*known)
        return known or Circuit()

    def put(self, connection: Connection, circuits: Mapping[CircuitKey, Circuit]) -> None:
        """Writes some, in a transaction that began with a refresh. The next refresh reads them back, if that was committed."""
        for changed, (key, circuit) in enumerate(circuits.items(), self._changed + 1):
            connection.execute(
                "INSERT INTO circuits (provider, instance, changed, body, recent) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET changed = excluded.changed, body = excluded.body, recent = excluded.recent",
                (*key, changed, *stored_circuit(circuit)),
            )

    def committed(self, circuits: Mapping[CircuitKey, Circuit]) -> None:
        """What `put` wrote is in the file now: no need to read it back."""
        self._known.update(circuits)
        self._changed += len(circuits)


class DenialTable:
    """The denials of the file. They are few and read whole; only new ones are decoded."""

    def __init__(self) -> None:
        self._known: dict[str, Denial | None] = {}

    def read(self, connection: Connection, now: Timestamp) -> tuple[Denial, ...]:
        """Those in force."""
        bodies = connection.execute("SELECT body FROM denials ORDER BY provider, instance, model")
        self._known = {body: self._known.get(body) or read_denial(body) for (body,) in bodies}
        return in_force((denial for denial in self._known.values() if denial), now)

    def put(self, connection: Connection, denial: Denial, now: Timestamp) -> None:
        """Writes one, and clears away those that have expired."""
        connection.execute("DELETE FROM denials WHERE until <= ?", (now,))
        connection.execute(
            "INSERT OR REPLACE INTO denials (provider, instance, model, until, body) VALUES (?, ?, ?, ?, ?)",
            (*denial.key, denial.until, stored_denial(denial)),
        )

    def remove(self, connection: Connection, pattern: str, now: Timestamp) -> tuple[Denial, ...]:
        """Removes those in force that `pattern` names; those removed."""
        removed = tuple(denial for denial in self.read(connection, now) if names(pattern, denial))
        connection.executemany(
            "DELETE FROM denials WHERE provider = ? AND instance = ? AND model = ?", [denial.key for denial in removed]
        )
        return removed
