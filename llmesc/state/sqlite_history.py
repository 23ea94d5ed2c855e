"""Runs, attempts and events as they are read from SQLite; `sqlite_append` writes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from llmesc.escalation.codec import decode_event
from llmesc.escalation.events import AttemptOutcome, Event
from llmesc.escalation.times import Timestamp
from llmesc.state.process import Process
from llmesc.state.projection import (
    attempt_standing,
    standing,
    storable,
)
from llmesc.state.store import FOUND_RUNS, AttemptRow, DayTotals, RunFilter, RunSummary
from llmesc.state.usage import caller_name

_AFTER_ANY_TEXT = "\U0010ffff"

_LATER_ID = 1_000_000
"""Microseconds that an id may be later than its run: so many would have to begin in one of them."""


def row_of(connection: Connection, run_id: str) -> int | None:
    """The id of its row in `runs`; None where there is none."""
    row = connection.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else int(row[0])


def microseconds(at: Timestamp) -> int:
    """The id of a run that began at that moment, or the next that is free."""
    return int(at * 1_000_000)


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
    run = row_of(connection, run_id)
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
