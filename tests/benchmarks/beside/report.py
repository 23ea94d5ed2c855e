"""How the figures read: lines for a terminal, tables for the README, an object for machines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.beside.figures import Figures, Spread
from tests.benchmarks.beside.targets import Verdict

MARKS = {True: "met", False: "NOT MET", None: "not measured"}
BESIDE = "httpx"
"""Whom everybody is held against, where it ran."""


@dataclass
class Report:
    """One run of the benchmark."""

    machine: Mapping[str, Any]
    """What it ran on: Python, cores, date, load, rounds, the mock's own rate."""
    figures: Sequence[Figures]
    verdicts: Sequence[Verdict]
    facts: Sequence[Mapping[str, str]]
    absent: Mapping[str, str]
    versions: Mapping[str, Mapping[str, str]]

    @property
    def all_met(self) -> bool:
        """Whether every target that was measured is met."""
        return all(verdict.met is not False for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "machine": self.machine,
            "figures": [asdict(each) for each in self.figures],
            "targets": [
                {**asdict(each.target), "found": asdict(each.found) if each.found else None, "met": each.met}
                for each in self.verdicts
            ],
            "facts": list(self.facts),
            "absent": self.absent,
            "versions": self.versions,
        }

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield ", ".join(f"{name} {value}" for name, value in self.machine.items())
        for figures in self.figures:
            yield from ("", f"{figures.name}: {figures.title}, {figures.unit}", *_figures_lines(figures))
        if self.facts:
            yield from ("", "what a caller meets, as each comes")
        for fact in self.facts:
            who, *cells = fact.items()
            yield from (f"  {who[1]}", *(f"    {name}: {value}" for name, value in cells))
        if self.absent:
            yield from ("", "absent", *(f"  {name}: {reason}" for name, reason in self.absent.items()))
        yield ""
        for verdict in self.verdicts:
            yield f"  {MARKS[verdict.met]:<12} {_claim(verdict)}"

    def markdown(self) -> Iterator[str]:
        """For the README."""
        names = list(dict.fromkeys(name for each in self.figures if _is_race(each) for name in each.rounds))
        yield f"| {BESIDE} = 1 | " + " | ".join(names) + " |"
        yield "| --- |" + " --: |" * len(names)
        for figures in filter(_is_race, self.figures):
            yield f"| {figures.title} | " + " | ".join(_cell(figures, name) for name in names) + " |"
        rest = [each for each in self.figures if not _is_race(each)]
        if rest:
            yield from ("", "| | llmesc | beside it, or its parts |", "| --- | --: | --- |")
        yield from map(_alone, rest)
        yield from ("", "| target | measured | |", "| --- | --: | --- |")
        for verdict in self.verdicts:
            claim, _, found = _claim(verdict).rpartition(": ")
            yield f"| {claim} | {found} | {MARKS[verdict.met]} |"
        if self.facts:
            columns = list(self.facts[0])
            yield from ("", "| " + " | ".join(columns) + " |", "| --- |" + " --- |" * (len(columns) - 1))
            yield from ("| " + " | ".join(fact.values()) + " |" for fact in self.facts)
        yield from ("", "; ".join(f"{name} {value}" for name, value in self.machine.items()) + ".")


def _alone(figures: Figures) -> str:
    """A row of those that have no part of httpx in them."""
    if figures.parts:
        whole, *parts = (_number(figures.median(name)) for name in figures.rounds)
        named = zip([*figures.rounds][1:], parts, strict=True)
        return f"| {figures.title} | {whole} {figures.unit} | {', '.join(f'{name} {part}' for name, part in named)} |"
    first, *others = (f"{name}: {_number(figures.median(name))}" for name in figures.rounds)
    ours = first.removeprefix("llmesc-sqlite: ").removeprefix("llmesc: ")
    return f"| {figures.title} | {ours} {figures.unit.split()[0]} | {', '.join(others)} |"


def _is_race(figures: Figures) -> bool:
    return BESIDE in figures.rounds


def _cell(figures: Figures, name: str) -> str:
    if name not in figures.rounds:
        return "–"
    if name == BESIDE:
        return f"{_number(figures.median(name))} {figures.unit.split()[0]}"
    return _number(figures.ratio(name, BESIDE).median)


def _figures_lines(figures: Figures) -> Iterator[str]:
    width = max(16, *map(len, figures.rounds))
    for name in figures.rounds:
        spread = figures.spread(name)
        line = f"  {name:<{width}} {_number(spread.median):>9}  ({_number(spread.least)} to {_number(spread.most)})"
        if _is_race(figures) and name != BESIDE:
            ratio = figures.ratio(name, BESIDE)
            line = f"{line:<52} × {BESIDE} {_number(ratio.median)} ({_number(ratio.least)} to {_number(ratio.most)})"
        yield line


def _claim(verdict: Verdict) -> str:
    target, found = verdict.target, verdict.found
    beside = {"ratio": f" ≤ {target.at_most:g} × {target.beside}", "difference": f" ≤ {target.beside} + {target.at_most:g}"}
    claim = f"{target.of}: {target.who}{beside.get(target.kind, f' ≤ {target.at_most:g}')}"
    return f"{claim}: {_spread(found) if found else '–'}"


def _spread(found: Spread) -> str:
    return f"{_number(found.median)} ({_number(found.least)} to {_number(found.most)})"


def _number(value: float) -> str:
    """Three digits."""
    if not value:
        return "0"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"
