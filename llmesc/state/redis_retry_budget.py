"""Retry budgets in Redis: one field for each chain that ever lost a token."""

from __future__ import annotations

from collections.abc import Callable

from llmesc.escalation.retry_budget import Bucket, RetryPolicy, changed
from llmesc.escalation.times import Timestamp
from llmesc.state.projection import storable
from llmesc.state.redis_connection import RedisConnection
from llmesc.state.redis_fields import Fields


class BudgetHash:
    """The buckets, of all hosts. While all goes well they are full, and nothing is written."""

    def __init__(self, connection: RedisConnection, new_tag: Callable[[], str], seconds: float) -> None:
        self._fields = Fields(connection, "retry_budgets", news=False, new_tag=new_tag, seconds=seconds)

    async def change(self, chain: str, change: float, now: Callable[[], Timestamp], policy: RetryPolicy) -> float:
        """Adds and looks."""

        def decide(body: bytes | None) -> tuple[bytes | None, float]:
            bucket = changed(_read(body), change, now(), policy)
            writes = change < 0 or (change > 0 and bucket.tokens < policy.tokens)
            return (f"{bucket.tokens!r} {float(bucket.at)!r}".encode() if writes else None), bucket.tokens

        return await self._fields.change(storable(chain), decide)


def _read(body: bytes | None) -> Bucket | None:
    if body is None:
        return None
    tokens, _, at = body.partition(b" ")
    try:
        return Bucket(float(tokens), Timestamp(float(at)))
    except ValueError:  # a person wrote it: a full bucket is learned down again
        return None
