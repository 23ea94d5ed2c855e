"""Lets old runs of a SQLite file go, a few in each transaction, and signs for it on the chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from sqlite3 import Connection
from typing import NamedTuple

from llmesc.escalation.times import Timestamp, rfc3339
from llmesc.state.keeping import NOTHING, Pruned, Retention, head_text
from llmesc.state.process import Process
from llmesc.state.projection import standing
from llmesc.state.sqlite_chain import Signed
from llmesc.state.sqlite_database import Database
from llmesc.state.sqlite_links import head, link_prune

STEP_RUNS = 20
STEP_BYTES = 256 * 1024
"""At most so much goes in one transaction: some 2 ms, in which no other process can write."""

STEP_PAGES = 256
"""Of the file that are given back in one transaction; each is 4 KiB."""

_TURN_SECONDS = 0.005
"""Between two steps, so that whoever waits for the lock gets it."""

_ROW_BYTES = 1024
"""What a run's rows and indexes take beside its events, about."""


class _Run(NamedTuple):
    id: int
    run_id: str
    started_at: Timestamp
    events: int
    bytes: int


def prunable(connection: Connection, wanted: Retention, now: Timestamp) -> Pruned:
    """What would go."""
    found = NOTHING
    excess = _excess(connection, wanted)
    for run in _candidates(connection, now):
        if not _is_old(run, wanted, now) and excess <= 0:
            break
        excess -= run.bytes + _ROW_BYTES
        found += _as_pruned(run)
    return found


async def prune(database: Database, wanted: Retention, who: str, now: Callable[[], Timestamp], steps: int | None) -> Pruned:
    """Lets all of them go, or as many as so many steps do, and gives the room back to the system. Between two steps others have
    their turn. Raises `StateUnavailable`; what went until then has gone.
    """
    gone = NOTHING
    for _ in count() if steps is None else range(steps):
        step = await database.write(lambda connection: prune_step(connection, wanted, who, now()))
        if step == NOTHING:
            break
        gone += step
        await _turn_of_others(steps)
    has_more = gone != NOTHING
    for _ in count() if steps is None else range(steps):
        has_more = has_more and await database.write(shrink_step)
        if not has_more:
            break
        await _turn_of_others(steps)
    if gone != NOTHING and steps is None:
        # The file gets shorter, and the log beside it forgets what went, unless others are just reading it: then a little later.
        await database.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    return gone


async def _turn_of_others(steps: int | None) -> None:
    if steps != 1:
        import asyncio

        await asyncio.sleep(_TURN_SECONDS)


def prune_step(connection: Connection, wanted: Retention, who: str, now: Timestamp) -> Pruned:
    """Lets the oldest few of them go, in a transaction of the caller's; `NOTHING` where there are none."""
    gone: list[_Run] = []
    excess = _excess(connection, wanted)
    for run in _candidates(connection, now):
        full = len(gone) == STEP_RUNS or (gone and sum(each.bytes for each in gone) + run.bytes > STEP_BYTES)
        if full or (not _is_old(run, wanted, now) and excess <= 0):
            break
        excess -= run.bytes + _ROW_BYTES
        gone.append(run)
    if not gone:
        return NOTHING
    connection.execute("PRAGMA secure_delete = ON")  # what was let go is not to be found in the file any more
    keys = [(run.id,) for run in gone]
    for sql in ("DELETE FROM events WHERE run = ?", "DELETE FROM attempts WHERE run = ?", "DELETE FROM runs WHERE id = ?"):
        connection.executemany(sql, keys)
    _sign(connection, gone, who, now)
    return sum(map(_as_pruned, gone), NOTHING)


def shrink_step(connection: Connection) -> bool:
    """Gives some free pages of the file back; whether there may be more. A file that an older llmesc made keeps them for what
    comes.
    """
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
        return False
    for _ in range(STEP_PAGES):
        connection.execute("PRAGMA incremental_vacuum(1)")  # of more than one, a cursor frees the first and forgets the rest
    return bool(connection.execute("PRAGMA freelist_count").fetchone()[0])


_INCREMENTAL = 2


def sizes(connection: Connection) -> tuple[int, int]:
    """Bytes of the file, and those of its free pages."""
    pages, free, page_bytes = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return pages * page_bytes, free * page_bytes


def _excess(connection: Connection, wanted: Retention) -> int:
    if wanted.max_bytes is None:
        return 0
    size, free = sizes(connection)
    return size - free - wanted.max_bytes


def _is_old(run: _Run, wanted: Retention, now: Timestamp) -> bool:
    return wanted.keep_seconds is not None and run.started_at < now - wanted.keep_seconds


def _candidates(connection: Connection, now: Timestamp) -> Iterator[_Run]:
    """Runs that have ended or will never end and that no sink waits for, oldest first."""
    rows = connection.execute(
        "SELECT id, run_id, started_at, outcome, host, pid, process_started, alive_at, "
        "(SELECT total(last_seq - first_seq + 1) FROM events WHERE run = id), "
        "(SELECT total(length(body)) FROM events WHERE run = id) FROM runs "
        "WHERE id NOT IN (SELECT run FROM outbox) ORDER BY id"
    )
    for run, run_id, started_at, outcome, host, pid, started, alive_at, events, size in rows:
        if standing(outcome, Process(host, pid, started), alive_at, now) != "running":
            yield _Run(run, run_id, Timestamp(started_at), int(events), int(size))


def _as_pruned(run: _Run) -> Pruned:
    return Pruned(runs=1, events=run.events, bytes=run.bytes, oldest=run.started_at, newest=run.started_at)


def _sign(connection: Connection, gone: list[_Run], who: str, now: Timestamp) -> None:
    """Puts what went on the chain, and drops the links before the first that is still needed."""
    before = Signed.of(connection)
    row = connection.execute("SELECT position FROM links JOIN runs ON run_id = link_run ORDER BY position LIMIT 1").fetchone()
    last = head(connection)
    kept_from = last[0] + 1 if row is None else row[0]
    anchor = connection.execute("SELECT position, link_digest FROM links WHERE position = ?", (kept_from - 1,)).fetchone()
    if anchor is None:
        anchor = (before.position, before.digest)
    record = {
        "at": rfc3339(now),
        "who": who,
        "runs": [run.run_id for run in gone],
        "anchor": head_text(*anchor),
        "so_far": before.so_far + len(gone),
    }
    link_prune(connection, json.dumps(record, separators=(",", ":")))
    connection.execute("DELETE FROM links WHERE position <= ?", (anchor[0],))
    connection.execute("DELETE FROM prunes WHERE prune_position BETWEEN 1 AND ?", (anchor[0],))
