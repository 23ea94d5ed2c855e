"""The days of the operator's own calendar. One may have 23 or 25 hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from llmesc.escalation.times import Timestamp


def midnights_before(now: Timestamp, days: int) -> list[Timestamp]:
    """The next midnight of the operator's clock, then that of today, and of the days before: `days` and one in all."""
    today = datetime.fromtimestamp(now).astimezone().date()
    dates = [today + timedelta(days=1 - back) for back in range(days + 1)]
    return [Timestamp(datetime.combine(date, time.min).astimezone().timestamp()) for date in dates]


def days_between(since: Timestamp, until: Timestamp) -> list[Timestamp]:
    """`since`, the midnights between, and `until`: what lies between two of them is of one day."""
    first, last = (datetime.fromtimestamp(at).astimezone().date() for at in (since, until))
    midnights = midnights_before(until, (last - first).days)[1:]
    return [since, *(at for at in reversed(midnights) if since < at < until), until]


def date(at: Timestamp) -> str:
    """`2026-11-25`."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")
