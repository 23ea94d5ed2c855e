"""What many calls together say: how they ended and how long they took, and what they used. Pure; the same for every store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from llmesc.escalation.latency import nearest_rank
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp


class Call(NamedTuple):
    """One attempt that has ended."""

    ref: str
    started_at: Timestamp
    outcome: str
    """An `AttemptOutcome`."""
    seconds: float
    first_token_seconds: float | None


class Window(NamedTuple):
    """A stretch of time, cut into buckets of the same length."""

    since: Timestamp
    bucket_seconds: float
    buckets: int

    @property
    def until(self) -> Timestamp:
        """The first moment after it."""
        return Timestamp(self.since + self.bucket_seconds * self.buckets)


class Spread(NamedTuple):
    """Of some durations, in seconds, by nearest rank."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How the calls of some time ended. One counts for the moment it began; what still runs is not in it."""

    succeeded: int = 0
    below_bar: int = 0
    """Answers that were not good enough."""
    failed: int = 0
    cancelled: int = 0
    """By us: their user left, or another candidate was faster. They say nothing of the provider."""
    seconds: Spread | None = None
    """From the request to the end of the answer, of those that succeeded; None where none did."""
    first_token_seconds: Spread | None = None

    @property
    def all(self) -> int:
        """However they ended."""
        return self.succeeded + self.below_bar + self.failed + self.cancelled

    @property
    def share(self) -> float | None:
        """Of those that were not cancelled, the part (0 to 1) that succeeded; None where there is none."""
        told = self.all - self.cancelled
        return self.succeeded / told if told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderActivity:
    """The calls of one provider instance in a window."""

    key: CircuitKey
    whole: Calls
    buckets: tuple[Calls, ...]
    """One for each bucket of the window, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What the calls to one candidate used. A call counts for the moment at which its run began."""

    ref: str
    tier: str
    calls: int
    """Those that still run, or never will end, too."""
    input_tokens: int
    """Of the calls whose provider counted."""
    output_tokens: int
    cost: Decimal
    """US dollars, of the calls whose cost is known."""
    cost_unknown: int
    """Calls whose cost nobody knows: no price, no count, killed, recorded before this was, or still running."""


def activity_of(calls: Iterable[Call], window: Window) -> list[ProviderActivity]:
    """By provider instance, in the order of their names; `calls` in any order, all inside `window`."""
    by_ref: dict[str, list[list[Call]]] = {}
    for call in calls:
        if (buckets := by_ref.get(call.ref)) is None:
            buckets = by_ref[call.ref] = [[] for _ in range(window.buckets)]
        number = int((call.started_at - window.since) / window.bucket_seconds)
        buckets[min(number, window.buckets - 1)].append(call)  # the last moment may be rounded up
    by_key: dict[CircuitKey, list[list[Call]]] = {}
    for ref, buckets in by_ref.items():
        key = CircuitKey.parse(ref.partition("/")[0])
        others = by_key.get(key)
        by_key[key] = buckets if others is None else [one + two for one, two in zip(others, buckets, strict=True)]
    return [
        ProviderActivity(
            key=key,
            whole=_together([call for bucket in by_key[key] for call in bucket]),
            buckets=tuple(_together(bucket) for bucket in by_key[key]),
        )
        for key in sorted(by_key, key=str)
    ]


_NOTHING = Calls()


def _together(calls: Sequence[Call]) -> Calls:
    if not calls:
        return _NOTHING
    outcomes = Counter(call.outcome for call in calls)
    succeeded = [call for call in calls if call.outcome == "success"]
    apart = {"succeeded": len(succeeded), "below_bar": outcomes["quality_failure"], "cancelled": outcomes["cancelled"]}
    return Calls(
        **apart,
        failed=len(calls) - sum(apart.values()),
        seconds=_spread([call.seconds for call in succeeded]),
        first_token_seconds=_spread([call.first_token_seconds for call in succeeded if call.first_token_seconds is not None]),
    )


def _spread(seconds: list[float]) -> Spread | None:
    seconds.sort()
    return Spread(nearest_rank(seconds, 0.5), nearest_rank(seconds, 0.95)) if seconds else None
