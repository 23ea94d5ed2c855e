"""Retry budgets in SQLite: one row for each chain that ever lost a token."""

from __future__ import annotations

from sqlite3 import Connection

from llmesc.escalation.retry_budget import Bucket, RetryPolicy, changed
from llmesc.escalation.times import Timestamp
from llmesc.state.projection import storable


def after(connection: Connection, chain: str, change: float, now: Timestamp, policy: RetryPolicy) -> Bucket:
    """The bucket as it would be after `change`."""
    row = connection.execute("SELECT tokens, at FROM retry_budgets WHERE chain = ?", (storable(chain),)).fetchone()
    return changed(None if row is None else Bucket(*row), change, now, policy)


def put(connection: Connection, chain: str, change: float, now: Timestamp, policy: RetryPolicy) -> Bucket:
    """Changes it, inside a transaction that holds the write lock."""
    bucket = after(connection, chain, change, now, policy)
    connection.execute("INSERT OR REPLACE INTO retry_budgets (chain, tokens, at) VALUES (?, ?, ?)", (storable(chain), *bucket))
    return bucket
