"""Whether the rows that follow from a run's events still say what they follow from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from llmesc.escalation.codec import decode_event
from llmesc.escalation.events import Event
from llmesc.state.process import Process
from llmesc.state.projection import NO_JUDGE, NOT_JUDGED, Columns, attempt_changes, new_attempt, new_run, run_changes

_NOBODY = Process("", 0, None)

_NOT_FROM_EVENTS = frozenset(("host", "pid", "process_started", "alive_at"))
"""Columns that tell who wrote, and when last."""

_MEAN_NOTHING = frozenset(("text_delta", "thinking_delta", "gate_opened", "candidate_skipped", "provider_switched"))

_ROUNDED_SECONDS = 0.000_01
"""Moments are written to the microsecond in events, and as they were in rows."""


def differing(connection: Connection, run: int) -> list[str]:
    """Names of the columns that differ; an attempt's as `attempt 2: cost`."""
    expected, attempts = _expected(connection, run)
    found = _differences(_row(connection, "SELECT * FROM runs WHERE id = ?", run)[0], expected)
    rows = {row["attempt"]: row for row in _row(connection, "SELECT * FROM attempts WHERE run = ?", run)}
    for number in sorted(set(rows) | set(attempts), key=str):  # whatever somebody wrote there
        if number not in rows or number not in attempts:
            found.append(f"attempt {number}")
        else:
            found += [f"attempt {number}: {name}" for name in _differences(rows[number], attempts[number])]
    return found


def _expected(connection: Connection, run: int) -> tuple[Columns, dict[int, Columns]]:
    """What the events mean, in the order in which they were written."""
    columns: Columns = {}
    attempts: dict[int, Columns] = {}
    for (body,) in connection.execute("SELECT body FROM events WHERE run = ? ORDER BY rowid", (run,)):
        for event in _decoded(body):
            columns = columns or {**NO_JUDGE, **new_run(event, _NOBODY)}
            columns |= run_changes(event, _NOBODY)
            if change := attempt_changes(event):
                attempts.setdefault(change[0], {**NOT_JUDGED, **new_attempt(event, change[0])}).update(change[1])
    return columns, attempts


def _decoded(body: str) -> list[Event]:
    """Without the many that mean nothing to rows."""
    events = (decode_event(event) for event in json.loads(body) if event["type"] not in _MEAN_NOTHING)
    return [event for event in events if event is not None]


def _row(connection: Connection, sql: str, run: int) -> list[dict[str, Any]]:
    rows = connection.execute(sql, (run,))
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _differences(row: Mapping[str, Any], expected: Columns) -> list[str]:
    return [name for name, value in expected.items() if name not in _NOT_FROM_EVENTS and not _same(name, row.get(name), value)]


def _same(name: str, stored: Any, value: Any) -> bool:
    try:
        return _means(name, stored, value)
    except (ValueError, TypeError):  # what stands there is not even of its kind
        return False


def _means(name: str, stored: Any, value: Any) -> bool:
    if stored is None or value is None:
        return stored is value
    if name.endswith("_at"):
        return abs(float(stored) - float(value)) <= _ROUNDED_SECONDS
    if name == "caller":
        return bool(json.loads(stored) == value)
    return bool(stored == (value if isinstance(value, int | float | str) else str(value)))
