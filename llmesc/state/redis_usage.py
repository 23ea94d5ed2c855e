"""What many calls together say, in Redis: found by the time they began, read in pages that hold up nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal

from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Call, ModelUsage, Used, Window, usage_of
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_history import microseconds, read_hash

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


async def usage(connection: RedisConnection, since: Timestamp, until: Timestamp) -> list[ModelUsage]:
    """By candidate."""
    return usage_of([used async for used in _used(connection, since, until)])


async def _used(connection: RedisConnection, since: Timestamp, until: Timestamp) -> AsyncIterator[Used]:
    """What each call of the runs that began in between used."""
    highest: str | bytes = f"({microseconds(until)}"
    while True:
        bounds = (microseconds(since), highest, _PAGE, "run_id")
        rows = (await connection.run("list", ("runs",), bounds, PATIENT_SECONDS))[1:]
        ids = [json.loads(columns)[0] for columns in rows[1::2] if columns]
        if ids:
            keys = tuple(f"attempts:{run_id}" for run_id in ids)
            for flat in (await connection.run("look", keys, (), PATIENT_SECONDS))[1:]:
                for columns in read_hash(flat).values():
                    cost = columns["call_cost"]
                    yield Used(
                        columns["ref"],
                        columns["tier"],
                        columns["call_input_tokens"],
                        columns["call_output_tokens"],
                        None if cost is None else Decimal(cost),
                    )
        if len(rows) < 2 * _PAGE:
            return
        highest = b"(" + rows[-2]
