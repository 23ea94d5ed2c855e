"""What the plots show, as values, and how it is read: the last hour's calls, and what the last days cost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from llmesc.engine import ModelUsage, ProviderActivity, Window
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Tier
from llmesc.escalation.times import Timestamp
from llmesc.story.days import midnights_before

BUCKET_SECONDS = 120.0
BUCKETS = 30
"""An hour: one for each column where a terminal is narrow, and long enough to hold some calls."""

DAYS = 14

PAST_DAYS_SECONDS = 60.0
"""Between two looks at days that are over: late records may still change them, but rarely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the requests used that began on one day of the operator's clock."""

    since: Timestamp
    """Its midnight."""
    models: tuple[ModelUsage, ...] = ()

    @property
    def calls(self) -> int:
        """To everybody."""
        return sum(model.calls for model in self.models)

    @property
    def cost(self) -> Decimal:
        """US dollars, as far as it is known."""
        return sum((model.cost for model in self.models), Decimal(0))

    @property
    def unknown(self) -> int:
        """Calls that somebody sends a bill for, nobody knows how high."""
        return sum(model.cost_unknown for model in self.models if not Tier.parse(model.tier).self_hosted)

    @property
    def unpriced(self) -> int:
        """Calls to the operator's own machines, of which nobody said what they cost."""
        return sum(model.cost_unknown for model in self.models) - self.unknown

    @property
    def dearest(self) -> ModelUsage | None:
        """What cost most; None where nothing is known to have cost anything."""
        most = max(self.models, key=lambda model: model.cost, default=None)
        return most if most is not None and most.cost else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """All that is plotted."""

    now: Timestamp
    """When it was read."""
    window: Window
    providers: tuple[ProviderActivity, ...] = ()
    days: tuple[Day, ...] = ()
    """The newest first."""


class Readable(Protocol):
    """What is asked, see `Operations`."""

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """By provider instance."""
        ...

    async def usage(self, since: Timestamp, until: Timestamp) -> Sequence[ModelUsage]:
        """By candidate."""
        ...


class TrendReader:
    """Reads day by day, so that the keys are looked at in between; days that are over seldom."""

    def __init__(self, operations: Readable) -> None:
        self._operations = operations
        self._past: dict[Timestamp, Day] = {}
        self._past_read_at = Timestamp(-math.inf)

    async def read(self, now: Timestamp) -> Trends:
        """What is known at `now`. Raises `StateUnavailable`."""
        window = last_hour(now)
        providers = await self._operations.activity(window)
        until, *midnights = midnights_before(now, DAYS)
        if not 0 <= now - self._past_read_at < PAST_DAYS_SECONDS:
            self._past, self._past_read_at = {}, now
        days: list[Day] = []
        for since in midnights:
            day = self._past.get(since)
            if day is None:
                await asyncio.sleep(0)
                day = Day(since=since, models=tuple(await self._operations.usage(since, until)))
            if days:
                self._past[since] = day
            days.append(day)
            until = since
        return Trends(now=now, window=window, providers=tuple(providers), days=tuple(days))


def last_hour(now: Timestamp) -> Window:
    """The hour that ends with the bucket in which `now` is. Buckets begin at even minutes: no bar changes while it ages."""
    end = (math.floor(now / BUCKET_SECONDS) + 1) * BUCKET_SECONDS
    return Window(Timestamp(end - BUCKETS * BUCKET_SECONDS), BUCKET_SECONDS, BUCKETS)
