"""Runs, attempts and events as they are written to SQLite: at the start and at the end of every attempt, so in few statements.

Every statement finds its rows by an index: the millionth run costs what the first did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, NamedTuple

from llmesc.escalation.codec_text import events_text, mapping_text
from llmesc.escalation.events import AttemptStarted, Event, RunFinished
from llmesc.escalation.times import Timestamp
from llmesc.state import sqlite_outbox as outbox
from llmesc.state.process import Process
from llmesc.state.projection import TELLING, Columns, attempt_changes, new_attempt, new_run, run_changes, stretches
from llmesc.state.sqlite_history import microseconds, row_of
from llmesc.state.sqlite_links import add_link, head
from llmesc.state.sqlite_spending import settle

_AS_TEXT: Mapping[str, Callable[[Any], str]] = {
    "caller": mapping_text,
    "cost": str,
    "call_cost": str,
    "judge_cost": str,
    "judges_cost": str,
}
"""Columns whose values SQLite does not know."""

_MOST_OPEN = 1_024


class Piece(NamedTuple):
    """An unbroken stretch of events, as it is stored."""

    first_seq: int
    last_seq: int
    body: str
    """A JSON array."""


def pieces(events: Sequence[Event]) -> list[Piece]:
    """Those of all `events`. To be made before `append` takes the write lock: this takes longer than the writing."""
    return [Piece(stretch[0].seq, stretch[-1].seq, events_text(stretch)) for stretch in stretches(events)]


class Appended(NamedTuple):
    """What came of an append."""

    connection: Connection
    run: int
    """The row of the run."""
    added: Sequence[Event]
    """Those that were not there yet."""
    is_known: bool
    """Whether all of the run that is in the file was written here, without a gap."""


class _Place(NamedTuple):
    """How far a run is on record."""

    run: int
    next_seq: int


class RunWriter:
    """Writes the runs of one process, and remembers where those stand that go on, so that what follows need not be looked up.

    It is a memory of commits, and of the runs that began here. All others are looked up.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._open: dict[str, _Place] = {}
        self._of: Connection | None = None

    def append(self, connection: Connection, events: Sequence[Event], made: Sequence[Piece], now: Timestamp) -> Appended:
        """Adds the events of one run that are not there yet, and brings its rows in `runs` and `attempts` up to them.

        Inside a transaction; `made` are the pieces of `events`.
        """
        run_id, is_known, writer = events[0].run_id, len(made) == 1, self._process
        run = self._place(connection, events[0])
        if run is None or not _update_run(connection, run, run_id, _changes(events, writer, now)):
            run = _begin(connection, events, writer, now) if events[0].seq == 0 else None
        if run is None:
            run, added = _continue(connection, events, writer, now)
            is_known = False
            if len(added) < len(events):
                events, made = added, pieces(added)
        telling = [event for event in events if event.__class__ in TELLING]
        _put_attempts(connection, run, telling)
        settle(connection, run_id, telling)
        if made:
            _put_events(connection, run, run_id, made, now)
        return Appended(connection, run, events, is_known)

    def committed(self, events: Sequence[Event], appended: Appended) -> None:
        """They are in the file now."""
        if appended.connection is not self._of:  # another file may lie there
            self._of, self._open = appended.connection, {}
        last = events[-1]
        self._open.pop(last.run_id, None)
        if appended.is_known and not isinstance(last, RunFinished):
            if len(self._open) >= _MOST_OPEN:
                self._open.clear()
            self._open[last.run_id] = _Place(appended.run, last.seq + 1)

    def _place(self, connection: Connection, event: Event) -> int | None:
        """The row of a run that is on record up to just before `event`."""
        place = self._open.get(event.run_id) if connection is self._of else None
        return place.run if place is not None and place.next_seq == event.seq else None


def _begin(connection: Connection, events: Sequence[Event], writer: Process, now: Timestamp) -> int | None:
    """The new row of a run; None: it has one already."""
    first = events[0]
    columns = {"id": microseconds(first.at), **new_run(first, writer), **_changes(events, writer, now)}
    while not _insert_run(connection, columns):
        if row_of(connection, first.run_id) is not None:
            return None
        columns["id"] += 1  # it is another run's
    return int(columns["id"])


def _continue(connection: Connection, events: Sequence[Event], writer: Process, now: Timestamp) -> tuple[int, Sequence[Event]]:
    """The row of a run, brought up to those of `events` that are not there yet; and those. One whose beginning is not there yet
    has a row all the same.
    """
    run_id = events[0].run_id
    run = row_of(connection, run_id)
    if run is None:
        run = _begin(connection, events, writer, now)
        assert run is not None, "it was not there, and nobody else writes meanwhile"
        return run, events
    added = _not_there_yet(connection, run, events)
    _update_run(connection, run, run_id, _changes(added, writer, now))
    return run, added


def _changes(events: Sequence[Event], writer: Process, now: Timestamp) -> Columns:
    columns: Columns = {"alive_at": now}
    for event in events:
        if event.__class__ in TELLING:
            columns |= run_changes(event, writer)
    return columns


def _not_there_yet(connection: Connection, run: int, events: Sequence[Event]) -> Sequence[Event]:
    """Stretches do not overlap: going down from the last seq, the first that ends before `events` is the last to look at."""
    there: set[int] = set()
    for first, last in connection.execute(
        "SELECT first_seq, last_seq FROM events WHERE run = ? AND first_seq <= ? ORDER BY first_seq DESC", (run, events[-1].seq)
    ):
        if last < events[0].seq:
            break
        there.update(range(first, last + 1))
    return [event for event in events if event.seq not in there] if there else events


def _insert_run(connection: Connection, columns: Columns) -> bool:
    """False: the run is there already, or its id is another's."""
    return bool(connection.execute(_insertion("runs", tuple(columns), "NOTHING"), _sql_values(columns)).rowcount)


def _update_run(connection: Connection, run: int, run_id: str, columns: Columns) -> bool:
    sql = _update("runs", tuple(columns), ("id", "run_id"))
    return bool(connection.execute(sql, (*_sql_values(columns), run, run_id)).rowcount)


def _put_attempts(connection: Connection, run: int, events: Sequence[Event]) -> None:
    """One statement for each attempt, however many events are about it."""
    changed: dict[int, tuple[Event, Columns]] = {}
    for event in events:
        if (change := attempt_changes(event)) is not None:
            _, columns = changed.setdefault(change[0], (event, {}))
            columns |= change[1]
    for attempt, (first, columns) in changed.items():
        if isinstance(first, AttemptStarted) or not _update_attempt(connection, run, attempt, columns):
            row = {"run": run, **new_attempt(first, attempt), **columns}
            sql = _insertion("attempts", tuple(row), f"UPDATE SET {_excluded(tuple(columns))}")
            connection.execute(sql, _sql_values(row))


def _put_events(connection: Connection, run: int, run_id: str, made: Sequence[Piece], now: Timestamp) -> None:
    before = head(connection)
    for piece in made:
        connection.execute("INSERT INTO events (run, first_seq, last_seq, body) VALUES (?, ?, ?, ?)", (run, *piece))
        before = add_link(connection, before, run_id, *piece)
    if outbox.is_waited_for(connection):
        for first, last, body in made:
            outbox.add(connection, run, first, last, now, len(body))


_WHO = ("ref", "provider", "tier")
"""What every event of an attempt says again, so that whichever comes first can begin its row."""


def _update_attempt(connection: Connection, run: int, attempt: int, columns: Columns) -> bool:
    """False: its row is not there, or does not know yet whom it called. What it knows is not written again, nor indexed."""
    if "ref" not in columns:
        return False
    changes = {name: value for name, value in columns.items() if name not in _WHO}
    sql = _update("attempts", tuple(changes), ("run", "attempt", "ref"))
    return bool(connection.execute(sql, (*_sql_values(changes), run, attempt, columns["ref"])).rowcount)


@lru_cache(256)
def _insertion(table: str, names: tuple[str, ...], on_conflict: str) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO {on_conflict}"  # noqa: S608 - our own names


@lru_cache(256)
def _update(table: str, names: tuple[str, ...], keys: tuple[str, ...]) -> str:
    sets = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE {table} SET {sets} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"  # noqa: S608 - our own names


@lru_cache(256)
def _excluded(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names)


def _sql_values(columns: Columns) -> tuple[Any, ...]:
    for name, as_text in _AS_TEXT.items():
        value = columns.get(name)
        if value is not None:
            columns = {**columns, name: as_text(value)}
    return tuple(columns.values())
