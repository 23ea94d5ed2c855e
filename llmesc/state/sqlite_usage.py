"""What many calls together say, in SQLite: found by the time they began, whatever came before."""

from __future__ import annotations

from decimal import Decimal
from sqlite3 import Connection

from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Call, ModelUsage, Window
from llmesc.state.sqlite_history import microseconds


def calls(connection: Connection, window: Window) -> list[Call]:
    """Those that began in `window` and have ended."""
    rows = connection.execute(
        "SELECT ref, started_at, outcome, duration_seconds, first_token_seconds FROM attempts "
        "WHERE started_at >= ? AND started_at < ? AND outcome IS NOT NULL",
        (window.since, window.until),
    )
    return [Call(*row) for row in rows]


def usage(connection: Connection, since: Timestamp, until: Timestamp) -> list[ModelUsage]:
    """By candidate; whoever needs it more exactly than a billionth of a dollar adds up the calls."""
    rows = connection.execute(
        "SELECT ref, tier, count(*), sum(call_input_tokens), sum(call_output_tokens), "
        "sum(CAST(round(CAST(call_cost AS REAL) * 1e9) AS INTEGER)), count(*) - count(call_cost) "
        "FROM attempts WHERE run >= ? AND run < ? GROUP BY ref, tier ORDER BY ref, tier",
        (microseconds(since), microseconds(until)),
    )
    return [
        ModelUsage(
            ref=ref,
            tier=tier,
            calls=number,
            input_tokens=read or 0,
            output_tokens=written or 0,
            cost=Decimal(nano_dollars or 0) / 1_000_000_000,
            cost_unknown=unknown,
        )
        for ref, tier, number, read, written, nano_dollars, unknown in rows
    ]
