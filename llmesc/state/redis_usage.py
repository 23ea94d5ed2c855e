"""What many calls together say, in Redis: found by the time they began, read in pages that hold up nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from llmesc.state.activity import Call, Window
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_history import microseconds, read_hash
from llmesc.state.usage import UsageQuery, Used, UsedCall, caller_name, calls_of, used

_PAGE = 250
"""Attempts, or runs, of one script; see `redis_history`."""

_CALL_COLUMNS = ("ref", "started_at", "outcome", "duration_seconds", "first_token_seconds")


async def calls(connection: RedisConnection, window: Window) -> list[Call]:
    """Those that began in `window` and have ended."""
    found: list[Call] = []
    passed = 0
    bounds = microseconds(window.since), f"({microseconds(window.until)}"
    while True:
        arguments = (*bounds, passed, _PAGE, *_CALL_COLUMNS)
        rows = (await connection.run("calls", ("by_start",), arguments, PATIENT_SECONDS))[1:]
        read = (Call(*json.loads(row)) for row in rows if row)
        found += [call for call in read if call.outcome is not None and window.since <= call.started_at < window.until]
        passed += len(rows)
        if len(rows) < _PAGE:
            return found


async def usage(connection: RedisConnection, query: UsageQuery) -> list[Used]:
    """The sums over the calls of the runs that began then."""
    return used([call async for call in _used_calls(connection, query)], query)


async def _used_calls(connection: RedisConnection, query: UsageQuery) -> AsyncIterator[UsedCall]:
    highest: str | bytes = f"({microseconds(query.until)}"
    while True:
        bounds = (microseconds(query.since), highest, _PAGE, "run_id", "chain", "caller")
        rows = (await connection.run("list", ("runs",), bounds, PATIENT_SECONDS))[1:]
        runs = [json.loads(columns) for columns in rows[1::2] if columns]
        if runs:
            keys = tuple(f"attempts:{run_id}" for run_id, *_ in runs)
            hashes = (await connection.run("look", keys, (), PATIENT_SECONDS))[1:]
            for (_, chain, caller), flat in zip(runs, hashes, strict=True):
                for columns in read_hash(flat).values():
                    for call in calls_of(columns, chain, caller_name(caller)):
                        yield call
        if len(rows) < 2 * _PAGE:
            return
        highest = b"(" + rows[-2]
