"""What waits for the sinks, in SQLite: one row for each stretch of events, while there are sinks, and one for each sink.

The index is numbered by AUTOINCREMENT: writers take turns, so the numbers rise in the order of the commits, and none is used
again after its row is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import TypeVar

from llmesc.escalation.times import Timestamp
from llmesc.state.outbox import Decide, SinkState, Stretch, read_sink, stored_sink
from llmesc.state.projection import storable

T = TypeVar("T")

TABLES = (
    "CREATE TABLE sinks (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        written_at REAL NOT NULL, size INTEGER NOT NULL)""",
)


def is_waited_for(connection: Connection) -> bool:
    """Whether there is a sink. By the order of the names, so that no more than one is looked at."""
    return connection.execute("SELECT 1 FROM sinks WHERE name >= '' LIMIT 1").fetchone() is not None


def add(connection: Connection, run: int, first_seq: int, last_seq: int, now: Timestamp, size: int) -> None:
    """Notes a stretch. Inside the transaction that writes its events."""
    connection.execute(
        "INSERT INTO outbox (run, first_seq, last_seq, written_at, size) VALUES (?, ?, ?, ?, ?)",
        (run, first_seq, last_seq, now, size),
    )


def sinks(connection: Connection) -> dict[str, SinkState]:
    """By name."""
    rows = connection.execute("SELECT name, body FROM sinks ORDER BY name").fetchall()
    return {name: state for name, body in rows if (state := read_sink(body)) is not None}


def change(connection: Connection, name: str, decide: Decide[T], now: Timestamp) -> T:
    """Inside a transaction that holds the write lock."""
    row = connection.execute("SELECT body FROM sinks WHERE name = ?", (storable(name),)).fetchone()
    state, answer = decide(None if row is None else read_sink(row[0]), _newest(connection), now)
    if state is not None:
        connection.execute("INSERT OR REPLACE INTO sinks (name, body) VALUES (?, ?)", (storable(name), stored_sink(state)))
    return answer


def would_change(connection: Connection, name: str, decide: Decide[T], now: Timestamp) -> tuple[bool, T]:
    """Whether `decide` wants to write, and what it answers: a look takes no lock."""
    row = connection.execute("SELECT body FROM sinks WHERE name = ?", (storable(name),)).fetchone()
    state, answer = decide(None if row is None else read_sink(row[0]), _newest(connection), now)
    return state is not None, answer


def forget(connection: Connection, name: str) -> None:
    """The sink; with the last one goes everything that waits."""
    connection.execute("DELETE FROM sinks WHERE name = ?", (storable(name),))
    connection.execute("DELETE FROM outbox WHERE NOT EXISTS (SELECT 1 FROM sinks)")


def waiting(connection: Connection, after: int, limit: int) -> Sequence[Stretch]:
    """In the order of writing."""
    rows = connection.execute(
        "SELECT position, coalesce(run_id, ''), first_seq, last_seq, written_at, size FROM outbox LEFT JOIN runs ON id = run "
        "WHERE position > ? ORDER BY position LIMIT ?",
        (after, limit),
    )
    return [Stretch(*row) for row in rows]


def clear(connection: Connection, up_to: int) -> None:
    """Forgets that anybody waited for what stands there up to a position."""
    connection.execute("DELETE FROM outbox WHERE position <= ?", (up_to,))


def _newest(connection: Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 0 if row is None else int(row[0])
