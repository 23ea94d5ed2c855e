"""What llmesc promises, and whether it was kept. Pure but for reading targets.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.benchmarks.beside.figures import Figures, Spread

FILE = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True)
class Target:
    """One row of targets.toml, which says what the fields mean."""

    of: str
    who: str
    at_most: float
    beside: str | None = None
    kind: Literal["ratio", "difference", "value", "most"] = "ratio"

    def verdict(self, figures: Mapping[str, Figures]) -> Verdict:
        """Unmeasured where one of the two did not run."""
        measured = figures.get(self.of)
        wanted = {self.who, self.beside} - {None}
        if measured is None or not wanted <= measured.rounds.keys():
            return Verdict(self, None)
        if self.beside is None:
            return Verdict(self, measured.spread(self.who))
        return Verdict(self, (measured.ratio if self.kind == "ratio" else measured.difference)(self.who, self.beside))


@dataclass(frozen=True)
class Verdict:
    """What came of a target; `found` is None where it was not measured."""

    target: Target
    found: Spread | None

    @property
    def met(self) -> bool | None:
        """None: not measured."""
        if self.found is None:
            return None
        return (self.found.most if self.target.kind == "most" else self.found.median) <= self.target.at_most


def targets() -> Sequence[Target]:
    """All of them."""
    rows = tomllib.loads(FILE.read_text())["target"]
    return [Target(kind=row.pop("as", "ratio"), **row) for row in rows]


def verdicts(measured: Iterable[Figures]) -> Sequence[Verdict]:
    """Of each target whose measure was taken at all."""
    figures = {each.name: each for each in measured}
    return [target.verdict(figures) for target in targets() if target.of in figures]
