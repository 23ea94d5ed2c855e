"""Points in time, and the clock that gives them.

A `Timestamp` is seconds since the Unix epoch in UTC: cheap to make for every event, easy to calculate with.
Outside the process (JSON, stores, screens) it is written as RFC 3339.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import NewType, Protocol

Timestamp = NewType("Timestamp", float)
"""Seconds since the Unix epoch, UTC, as wall clocks tell it: may jump backwards."""


class Clock(Protocol):
    """The only source of time for the core. Production: `llmesc.engine.SystemClock`; tests: a manual one."""

    def now(self) -> Timestamp:
        """Wall time, for people and for what processes share."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, for durations and deadlines inside one process."""
        ...


def rfc3339(at: Timestamp) -> str:
    """`2026-11-22T18:04:12.250000Z`: always UTC, always microseconds, so that text order is time order."""
    second = floor(at)
    microseconds = round((at - second) * 1_000_000)
    if microseconds == 1_000_000:
        second, microseconds = second + 1, 0
    return f"{_to_the_second(second)}.{microseconds:06d}Z"


@lru_cache(64)
def _to_the_second(second: int) -> str:
    """Most of a moment's text, the same for all the events of one second: to make it takes as long as all the rest."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


def from_rfc3339(text: str) -> Timestamp:
    """The reverse of `rfc3339`; any ISO 8601 offset is accepted, none means UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return Timestamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
