"""What `doctor` tells of a Redis: what it is, whether it can be written, and whether it would drop what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmesc.state.redis_connection import OPENING, RedisConnection
from llmesc.state.redis_time import ServerTime

SCHEMA = "1"


async def check(connection: RedisConnection, time: ServerTime) -> Mapping[str, str]:
    """Facts by name. Raises `StateUnavailable` where it cannot be written."""
    seconds = connection.place.timeout_seconds * OPENING
    await connection.run("try_write", ("try",), ("-" * 4_096,), seconds)
    _, runs, circuits, denials, policy, memory, limit = await connection.run("facts", ("runs",), (), seconds)
    facts = {
        "place": str(connection.place),
        "engine": connection.version,
        "schema": SCHEMA,
        "size": f"{int(runs):,} runs, {int(circuits)} circuits, {int(denials)} denials",
        "write": "ok",
    }
    return facts | _memory(_text(policy), _text(memory), _text(limit)) | _clock(time)


def _memory(policy: str, memory: str, limit: str) -> dict[str, str]:
    told: dict[str, str] = {}
    if memory.isdecimal():
        full = f" of {int(limit):,}" if limit.isdecimal() and int(limit) else ""
        told["memory"] = f"{int(memory):,} bytes{full}"
    if policy and policy != "noeviction" and limit != "0":
        told["eviction"] = f"{policy}: a full server drops circuits and runs; set maxmemory-policy noeviction"
    return told


def _clock(time: ServerTime) -> dict[str, str]:
    if not time.ahead_seconds:
        return {}
    return {"clock": f"this host's is {abs(time.ahead_seconds):.1f} s {'behind' if time.ahead_seconds > 0 else 'ahead'}"}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else ""
