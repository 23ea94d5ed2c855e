"""Runs, attempts and events in SQLite. Every statement finds its rows by an index: the millionth run costs what the first did."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.events import AttemptOutcome, Event
from llmesc.escalation.times import Timestamp
from llmesc.state import sqlite_outbox as outbox
from llmesc.state.process import Process
from llmesc.state.projection import (
    Columns,
    attempt_changes,
    attempt_standing,
    new_attempt,
    new_run,
    run_changes,
    standing,
    storable,
    stretches,
)
from llmesc.state.sqlite_links import link_events
from llmesc.state.sqlite_spending import settle, settlings
from llmesc.state.store import FOUND_RUNS, AttemptRow, DayTotals, RunFilter, RunSummary
from llmesc.state.usage import caller_name

_AFTER_ANY_TEXT = "\U0010ffff"

_LATER_ID = 1_000_000
"""Microseconds that an id may be later than its run: so many would have to begin in one of them."""

_AS_TEXT: Mapping[str, Callable[[Any], str]] = {
    "caller": json.dumps,
    "cost": str,
    "call_cost": str,
    "judge_cost": str,
    "judges_cost": str,
}
"""Columns whose values SQLite does not know."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode

# -- writing --------------------------------------------------------------------------------------------------------------


Bodies = Mapping[tuple[int, int], str]
"""The JSON array of each stretch, by its first and last seq."""


def serialised(events: Sequence[Event]) -> Bodies:
    """That of all `events`. To be made before `append` takes the write lock: this takes longer than the writing."""
    return {_ends(stretch): _body(stretch) for stretch in stretches(events)}


def _ends(stretch: Sequence[Event]) -> tuple[int, int]:
    return stretch[0].seq, stretch[-1].seq


def _body(stretch: Sequence[Event]) -> str:
    return _to_json([encode_event(event) for event in stretch])


def append(connection: Connection, events: Sequence[Event], bodies: Bodies, writer: Process, now: Timestamp) -> Sequence[Event]:
    """Adds the events of one run that are not there yet, and brings its rows in `runs` and `attempts` up to them. Those added.

    Inside a transaction; `bodies` are theirs as `serialised` made them.
    """
    run = _find(connection, events[0].run_id)
    known = run is not None
    if run is None:
        run = _free_id(connection, events[0].at)
    else:
        events = _not_there_yet(connection, run, events)
    columns: Columns = {"alive_at": now}
    for event in events:
        columns |= run_changes(event, writer)
    if known:
        _update_run(connection, run, columns)
    else:
        _insert_run(connection, {"id": run, **new_run(events[0], writer), **columns})
    for event in events:
        if change := attempt_changes(event):
            _put_attempt(connection, run, change[0], event, change[1])
    settle(connection, settlings(events))
    waited_for = outbox.is_waited_for(connection)
    for stretch in stretches(events):
        first, last = _ends(stretch)
        body = bodies.get((first, last)) or _body(stretch)  # another one only where some were there already
        connection.execute("INSERT INTO events (run, first_seq, last_seq, body) VALUES (?, ?, ?, ?)", (run, first, last, body))
        link_events(connection, stretch[0].run_id, first, last, body)
        if waited_for:
            outbox.add(connection, run, first, last, now, len(body))
    return events


def _find(connection: Connection, run_id: str) -> int | None:
    row = connection.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else int(row[0])


def _free_id(connection: Connection, started_at: Timestamp) -> int:
    wanted = microseconds(started_at)
    while connection.execute("SELECT 1 FROM runs WHERE id = ?", (wanted,)).fetchone():
        wanted += 1
    return wanted


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


def _insert_run(connection: Connection, columns: Columns) -> None:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", _sql_values(columns))  # noqa: S608 - our own names


def _update_run(connection: Connection, run: int, columns: Columns) -> None:
    sets = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(f"UPDATE runs SET {sets} WHERE id = ?", (*_sql_values(columns), run))  # noqa: S608 - our own names


def _put_attempt(connection: Connection, run: int, attempt: int, event: Event, changes: Columns) -> None:
    columns = {"run": run, **new_attempt(event, attempt), **changes}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    sets = ", ".join(f"{name} = excluded.{name}" for name in changes)
    connection.execute(
        f"INSERT INTO attempts ({names}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {sets}",  # noqa: S608 - our own names
        _sql_values(columns),
    )


def _sql_values(columns: Columns) -> tuple[Any, ...]:
    return tuple(_AS_TEXT[name](value) if name in _AS_TEXT and value is not None else value for name, value in columns.items())


def microseconds(at: Timestamp) -> int:
    """The id of a run that began at that moment, or the next that is free."""
    return int(at * 1_000_000)


# -- reading ----------------------------------------------------------------------------------------------------------------

_RUN = (
    "run_id, runs.started_at, finished_at, chain, prompt, answered_by, attempts, cost, input_tokens, output_tokens, caller, "
    "primary_ref, (SELECT group_concat(each.ref, char(10)) FROM attempts AS each WHERE each.run = runs.id), "
    "runs.outcome, host, pid, process_started, alive_at"
)


def runs(connection: Connection, where: RunFilter, now: Timestamp) -> list[RunSummary]:
    """Newest first."""
    found: list[RunSummary] = []
    for row in _matching(connection, where, now):
        if len(found) == where.limit:
            break
        summary = _summary(row, now)
        if where.outcome in (None, summary.outcome):
            found.append(summary)
    return found


def _matching(connection: Connection, where: RunFilter, now: Timestamp) -> Iterator[tuple[Any, ...]]:
    """The rows that fit as far as SQL can tell: whether a run without an end still runs is seen by looking at its process."""
    source, conditions, values = "runs", ["TRUE"], list[Any]()
    if where.provider is not None:
        # From the provider's attempts to their runs, for the newest of them is found without a look at anybody else's. Grouping
        # by the index's own order takes no sorting.
        source = "attempts CROSS JOIN runs ON id = run"
        conditions.append("provider = ?")
        values.append(where.provider)
    if where.since is not None:
        conditions.append("id >= ? AND runs.started_at >= ?")
        values += [microseconds(where.since), where.since]
    if where.until is not None:
        conditions.append("id <= ? AND runs.started_at <= ?")  # an id that was not free is a little later than its start
        values += [microseconds(where.until) + _LATER_ID, where.until]
    if where.outcome in ("running", "interrupted"):
        conditions.append("runs.outcome IS NULL")
    elif where.outcome is not None:
        conditions.append("runs.outcome = ?")
        values.append(where.outcome)
    if where.statuses:
        condition, of_status = _by_status(connection, where, now)
        conditions.append(condition)
        values += of_status
    if where.text is not None:
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        conditions.append("instr(casefold(prompt), ?)")
        values.append(storable(where.text.casefold()))
    if where.caller is not None:
        connection.create_function("caller_name", 1, lambda caller: caller_name(json.loads(caller)), deterministic=True)
        conditions.append("caller_name(caller) = ?")
        values.append(storable(where.caller))
    for key, value in (("conversation", where.conversation), ("correlation", where.correlation)):
        if value is not None:
            conditions.append("json_extract(caller, ?) = ?")
            values += [f"$.{key}", storable(value)]
    order = "id DESC" if where.provider is None else "run DESC"
    group = "" if where.provider is None else "GROUP BY run"
    sql = f"SELECT {_RUN} FROM {source} WHERE {' AND '.join(conditions)} {group} ORDER BY {order}"  # noqa: S608 - our own words
    yield from connection.execute(sql, values)


def _by_status(connection: Connection, where: RunFilter, now: Timestamp) -> tuple[str, Sequence[str]]:
    """The condition that `status_filter` is in SQL, and its values."""
    from llmesc.state.status_filter import status_filter

    def stands(host: str, pid: int, started: int | None, alive_at: float) -> str:
        return standing(None, Process(host, pid, started), Timestamp(alive_at), now)

    wanted = status_filter(where.statuses)
    outcome = "runs.outcome"
    if "interrupted" in wanted.run_outcomes:
        connection.create_function("stands", 4, stands, deterministic=True)
        outcome = "coalesce(runs.outcome, stands(host, pid, process_started, alive_at))"
    parts = [f"{outcome} IN ({_marks(wanted.run_outcomes)})"]
    if wanted.call_outcomes or wanted.failure_kinds:
        parts.append(
            "EXISTS (SELECT 1 FROM attempts AS called WHERE called.run = runs.id"  # noqa: S608 - marks for values
            f" AND (called.outcome IN ({_marks(wanted.call_outcomes)})"
            f" OR (called.outcome = '{AttemptOutcome.ERROR}' AND called.kind IN ({_marks(wanted.failure_kinds)}))))"
        )
    return f"({' OR '.join(parts)})", [*wanted.run_outcomes, *wanted.call_outcomes, *wanted.failure_kinds]


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _summary(row: tuple[Any, ...], now: Timestamp) -> RunSummary:
    (
        run_id,
        started_at,
        finished_at,
        chain,
        prompt,
        answered_by,
        attempts,
        cost,
        read,
        written,
        caller,
        primary,
        tried,
        outcome,
        *owner,
        alive_at,
    ) = row
    return RunSummary(
        run_id=run_id,
        started_at=started_at,
        finished_at=finished_at,
        outcome=standing(outcome, Process(*owner), alive_at, now),
        chain=chain,
        prompt=prompt,
        primary=primary,
        tried=tuple(dict.fromkeys((tried or "").splitlines())),
        answered_by=answered_by,
        attempts=attempts,
        cost=None if cost is None else Decimal(cost),
        input_tokens=read,
        output_tokens=written,
        caller=json.loads(caller),
    )


def totals(connection: Connection, since: Timestamp) -> DayTotals:
    """Over the runs since then; whoever needs it more exactly than a billionth of a dollar adds up the runs."""
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'answered'), "
        "count(*) FILTER (WHERE outcome NOT IN ('answered', 'cancelled')), sum(input_tokens), sum(output_tokens), "
        "sum(CAST(round((CAST(cost AS REAL) + CAST(coalesce(judges_cost, 0) AS REAL)) * 1e9) AS INTEGER)), "
        "count(*) FILTER (WHERE outcome NOT NULL AND (cost IS NULL OR (judge_calls NOT NULL AND judges_cost IS NULL))) "
        "FROM runs WHERE id >= ?",
        (microseconds(since),),
    ).fetchone()
    requests, answered, failed, read, written, nano_dollars, cost_unknown = row
    return DayTotals(
        since=since,
        requests=requests,
        answered=answered,
        failed=failed,
        input_tokens=read or 0,
        output_tokens=written or 0,
        cost=Decimal(nano_dollars or 0) / 1_000_000_000,
        cost_unknown=cost_unknown,
    )


def find_runs(connection: Connection, prefix: str) -> list[str]:
    """Ids that begin so, newest first."""
    start = storable(prefix)
    condition, values = ("run_id >= ? AND run_id < ?", (start, start + _AFTER_ANY_TEXT)) if start else ("TRUE", ())
    rows = connection.execute(
        f"SELECT run_id FROM runs WHERE {condition} ORDER BY id DESC LIMIT ?",  # noqa: S608 - our own words
        (*values, FOUND_RUNS),
    )
    return [run_id for (run_id,) in rows]


def attempts(connection: Connection, run_id: str, now: Timestamp) -> list[AttemptRow]:
    """Of one run, in order."""
    rows = connection.execute(
        "SELECT attempt, ref, tier, move, attempts.started_at, kind, duration_seconds, "
        "attempts.outcome, runs.outcome, host, pid, process_started, alive_at "
        "FROM runs JOIN attempts ON run = id WHERE run_id = ? ORDER BY attempt",
        (run_id,),
    )
    return [_attempt(run_id, row, now) for row in rows]


def _attempt(run_id: str, row: tuple[Any, ...], now: Timestamp) -> AttemptRow:
    attempt, ref, tier, move, started_at, kind, duration_seconds, outcome, run_outcome, *owner, alive_at = row
    return AttemptRow(
        run_id=run_id,
        attempt=attempt,
        ref=ref,
        tier=tier,
        move=move,
        started_at=started_at,
        outcome=attempt_standing(outcome, run_outcome, Process(*owner), alive_at, now),
        kind=kind,
        duration_seconds=duration_seconds,
    )


def events(connection: Connection, run_id: str, after_seq: int, limit: int | None) -> list[Event]:
    """Of one run, in order."""
    run = _find(connection, run_id)
    rows = connection.execute(
        "SELECT body FROM events WHERE run = ? AND first_seq >= "
        "coalesce((SELECT max(first_seq) FROM events WHERE run = ? AND first_seq <= ?), 0) ORDER BY first_seq",
        (run, run, after_seq + 1),
    )
    found: list[Event] = []
    for (body,) in rows:
        stored = (decode_event(event) for event in json.loads(body))
        found += [event for event in stored if event is not None and event.seq > after_seq]
        if limit is not None and len(found) >= limit:
            break
    return found
