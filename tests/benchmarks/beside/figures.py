"""What was measured, and what is reckoned from it. Pure.

Nothing here is absolute: a machine's speed drifts by half within minutes, so whoever is compared was measured in the same round,
and the ratio is taken within each round before the median is.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One measure of several contestants."""

    name: str
    """Group and measure: `calls.alone`."""
    title: str
    unit: str
    rounds: Mapping[str, Sequence[float | None]]
    """Of each contestant one value a round, in the same order for all; None where it sat the round out."""
    parts: bool = False
    """Whether those after the first are what it is made of, not others that stand beside it."""

    def median(self, who: str) -> float:
        return self.spread(who).median

    def ratio(self, who: str, beside: str) -> Spread:
        return Spread.of([a / b for a, b in self._pairs(who, beside)])

    def difference(self, who: str, beside: str) -> Spread:
        return Spread.of([a - b for a, b in self._pairs(who, beside)])

    def spread(self, who: str) -> Spread:
        return Spread.of([value for value in self.rounds[who] if value is not None])

    def _pairs(self, who: str, beside: str) -> Iterator[tuple[float, float]]:
        for one, other in zip(self.rounds[who], self.rounds[beside], strict=True):
            if one is not None and other is not None:
                yield one, other


@dataclass(frozen=True)
class Spread:
    """A median, and the least and the most that one round gave."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))
