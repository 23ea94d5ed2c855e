"""How fast models were lately, as the rows of attempts tell it, and what is remembered so that a call need not read them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Connection

from llmesc.escalation.events import AttemptFinished, Event
from llmesc.escalation.latency import REMEMBERED_CALLS, Latency
from llmesc.escalation.resolution import ModelKey
from llmesc.state.projection import latency_of

_CALLS = (
    "SELECT run, attempt, first_token_seconds, duration_seconds FROM attempts "
    "WHERE ref = ? AND outcome = 'success' ORDER BY run DESC, attempt DESC LIMIT ?",
    "SELECT run, attempt, duration_seconds, NULL FROM attempts "
    "WHERE ref = ? AND kind = 'hedged_away' ORDER BY run DESC, attempt DESC LIMIT ?",
)
"""Each by an index of its own, which SQLite only takes where the words of its condition stand in the query."""


class LatencyTable:
    """The newest calls of each model, read once, and kept up by what this process writes.

    What another process writes is seen by SQLite's count of others' commits, and then all is read anew.
    """

    def __init__(self) -> None:
        self._known: dict[ModelKey, deque[Latency]] = {}
        self._as_of: tuple[Connection, int] | None = None

    def read(self, connection: Connection, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest attempts of each that succeeded or were hedged away, newest first."""
        (others,) = connection.execute("PRAGMA data_version").fetchone()
        if self._as_of != (connection, others):
            self.forget()
            self._as_of = connection, others
        wanted = set(keys)
        for key in wanted - self._known.keys():
            self._known[key] = deque(_newest(connection, str(key)), maxlen=REMEMBERED_CALLS)
        return {key: list(calls) for key in wanted if (calls := self._known[key])}

    def committed(self, events: Collection[Event]) -> None:
        """Takes in what was just written here."""
        for event in events:
            if isinstance(event, AttemptFinished) and (taught := latency_of(event)) is not None:
                calls = self._known.get(event.resolution.model_key)
                if calls is not None:
                    calls.appendleft(taught)

    def forget(self) -> None:
        """Rows may have gone."""
        self._known.clear()


def _newest(connection: Connection, ref: str) -> list[Latency]:
    rows = [row for sql in _CALLS for row in connection.execute(sql, (ref, REMEMBERED_CALLS))]
    newest = sorted(rows, key=lambda row: row[:2], reverse=True)[:REMEMBERED_CALLS]
    return [Latency(first_token_seconds, seconds) for _, _, first_token_seconds, seconds in newest]
