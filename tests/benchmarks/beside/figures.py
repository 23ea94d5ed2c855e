"""What was measured, and what is reckoned from it. Pure.

Nothing here is absolute: a machine's speed drifts by half within minutes, so whoever is compared was measured in the same round,
and the ratio is taken within each round before the median is.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One measure of several contestants."""

    name: str
    """Group and measure: `calls.alone`."""
    title: str
    unit: str
    rounds: Mapping[str, Sequence[float]]
    """Of each contestant one value a round, in the same order for all."""

    def median(self, who: str) -> float:
        return statistics.median(self.rounds[who])

    def ratio(self, who: str, beside: str) -> Spread:
        return Spread.of([a / b for a, b in zip(self.rounds[who], self.rounds[beside], strict=True)])

    def difference(self, who: str, beside: str) -> Spread:
        return Spread.of([a - b for a, b in zip(self.rounds[who], self.rounds[beside], strict=True)])

    def spread(self, who: str) -> Spread:
        return Spread.of(self.rounds[who])


@dataclass(frozen=True)
class Spread:
    """A median, and the least and the most that one round gave."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))
