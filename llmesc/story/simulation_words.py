"""What a policy would have changed, as a table and as sentences. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from llmesc.engine.simulation.compare import Turnabout
from llmesc.engine.simulation.sums import Calls, Sums, apart
from llmesc.engine.simulation.what_if import Simulation
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.style import Style
from llmesc.story.table import Cell, Column, Row

COLUMNS = (
    Column(""),
    Column("recorded", right=True),
    Column("now", right=True),
    Column("new", right=True),
    Column("difference", right=True),
)
"""Recorded: as it was. Now: the same requests, played under the present configuration; new: under the policy; the difference is
between these two.
"""

_OUTCOMES = {
    "below_bar": "below the bar",
    "exhausted": "every call failed",
    "nothing_callable": "nobody callable",
    "deadline": "time or money spent",
    "policy": "stopped by policy",
}

_CHANGES: Mapping[Turnabout, tuple[str, Style]] = {
    "no_longer_answered": ("answered before, not under the new policy", "bad"),
    "answered_now": ("answered under the new policy, not before", "good"),
    "answered_by_another": ("answered by another candidate", "plain"),
    "unknown": ("unknown under the new policy", "doubtful"),
}

_NONE = "–"


class Line(NamedTuple):
    """One line of text, with its style."""

    text: str
    style: Style = "plain"


def head(told: Simulation, name: str) -> Iterator[Line]:
    """What is asked, and of what; `name`: of the policy's file."""
    query = told.question
    of = "".join(
        f" of {what} {one_line(value)}"
        for what, value in (("chain", query.chain), ("caller", query.caller), ("provider", query.provider))
        if value is not None
    )
    since, runs = words.moment(query.since), words.plural(told.recorded.runs, "request")
    yield Line(f"what if {one_line(name)}: {runs}{of} since {since}, seed {told.question.seed}", "strong")
    played = [change for change in told.changes if not change.why_not]
    if not told.changes:
        yield Line("it says nothing else than what it is compared with", "doubtful")
    for change in played:
        values = f" {one_line(change.before)} → {one_line(change.after)}" if change.before or change.after else ""
        yield Line(f"  {one_line(change.key)}{values}")
    for change in told.changes:
        if change.why_not:
            yield Line(f"  not played: {one_line(change.key)}; {change.why_not}", "doubtful")


def rows(told: Simulation) -> list[Row]:
    """The table; for programs the first column is a name, and the others are plain numbers."""
    sides = (told.recorded, told.before, told.after)

    def row(label: str, name: str, value: Callable[[Sums], _Value]) -> Row:
        return _row(label, name, sides, value)

    table = [row("requests answered", "answered_share", lambda side: side.share)]
    for outcome, label in _OUTCOMES.items():
        if any(side.outcomes.get(outcome) for side in sides):
            table.append(row(label, outcome, partial(_ended, outcome=outcome)))
    if any(side.unknown for side in sides):
        table.append(row("unknown", "unknown", lambda side: side.unknown))
    table += [
        row("time, half of the answers", "p50_seconds", lambda side: side.p50_seconds),
        row("time, 95 of 100", "p95_seconds", lambda side: side.p95_seconds),
        row("cost", "cost", lambda side: side.total),
        row("calls", "calls", lambda side: side.total.calls),
    ]
    for name in dict.fromkeys(name for side in sides for name in side.providers):
        table.append(row(f"{name}, calls", f"calls {name}", partial(_calls_of, name=name)))
        if any(_of(side, name).cost or _of(side, name).cost_unknown for side in sides):
            table.append(row(f"{name}, cost", f"cost {name}", partial(_of, name=name)))
    return [*table, *_support(told)]


def tail(told: Simulation) -> Iterator[Line]:
    """What changed for which requests, and how far all of it can be believed."""
    for change in told.changed:
        text, style = _CHANGES[change.change]
        ids = ", ".join(map(one_line, change.ids))
        yield Line(f"{text}: {words.plural(change.runs, 'request')}; llmesc history show {ids}", style)
    if told.fidelity.share is not None:
        alike = _percent(told.fidelity.share)
        yield Line(
            f"played under the present configuration, {alike} of the requests end as recorded, with the same candidate's answer "
            f"or with none; {_percent(told.fidelity.same_calls / told.fidelity.runs)} after the same calls",
            "plain" if told.fidelity.share >= _FAITHFUL else "doubtful",
        )
    for key, runs in told.strangers.items():
        yield Line(
            f"{one_line(str(key))} was never called in that time, nor another model of its provider: what it would have brought "
            f"to {words.plural(runs, 'request')} is unknown",
            "doubtful",
        )
    if told.other_chains:
        yield Line(f"not in the policy, played as recorded: chain {', '.join(map(one_line, told.other_chains))}", "doubtful")
    if told.left_out:
        ways = ", ".join(f"{words.count(runs)} {why}" for why, runs in told.left_out.items())
        yield Line(f"left out, because how they would have ended is not known: {ways}", "dim")


_FAITHFUL = 0.95
"""Of the requests; of fewer that end as recorded, somebody should hear."""

_Value = float | int | Calls | tuple[float, float] | None


def _row(label: str, name: str, sides: Sequence[Sums], value: Callable[[Sums], _Value]) -> Row:
    values = [value(side) for side in sides]
    difference = _difference(values[1], values[2])
    better = _is_better(name, values[1], values[2])
    style: Style = "plain" if better is None else "good" if better else "bad"
    return (
        Cell(one_line(label), raw=one_line(name)),
        *(Cell(_words(name, each), raw=_raw(each)) for each in values),
        Cell(_difference_words(name, difference), style, raw=_raw(difference)),
    )


def _support(told: Simulation) -> Iterator[Row]:
    """On what the ends of the runs rest."""
    parts: tuple[tuple[str, str, Callable[[Sums], int]], ...] = (
        ("rests on the record", "rests_on_recorded", lambda side: side.runs - side.assumed - side.unknown),
        ("rests on calls like it", "rests_on_assumed", lambda side: side.assumed),
    )
    for label, name, value in parts:
        cells = [(side.runs, value(side)) for side in (told.recorded, told.before, told.after)]
        shares = (Cell(_percent(part / runs) if runs else _NONE, raw=str(part)) for runs, part in cells)
        yield (Cell(label, "dim", raw=name), *shares, "")


def _of(side: Sums, name: str) -> Calls:
    return side.providers.get(name, Calls())


def _calls_of(side: Sums, name: str) -> int:
    return _of(side, name).calls


def _ended(side: Sums, outcome: str) -> int:
    return side.outcomes.get(outcome, 0)


def _difference(before: _Value, after: _Value) -> float | int | Decimal | None:
    match before, after:
        case (Calls(), Calls()):
            return after.cost - before.cost
        case (tuple(), tuple()):  # the same where nothing is unknown; else it is not one number
            least, most = apart(before, after)
            return least if least == most else None
        case (int() | float(), int() | float()):
            return after - before
        case _:
            return None


def _is_better(name: str, before: _Value, after: _Value) -> bool | None:
    """None: neither better nor worse."""
    change = _difference(before, after)
    if not change or name.startswith(("calls", "unknown")):
        return None
    return (change > 0) == (name == "answered_share")


def _words(name: str, value: _Value) -> str:
    match value:
        case None:
            return _NONE
        case Calls():
            return words.amount(value.cost, value.cost_unknown)
        case tuple():
            least, most = value
            return _percent(least) if least == most else f"{_percent(least)} to {_percent(most)}"
        case float() if name.endswith("_seconds"):
            return _seconds(value)
        case _:
            return words.count(int(value))


def _difference_words(name: str, value: float | int | Decimal | None) -> str:
    if value is None:
        return _NONE
    if not value:
        return "="
    sign = "+" if value > 0 else "−"
    match value:
        case Decimal():
            return f"{sign}{words.money(abs(value))}"
        case float() if name.endswith("_seconds"):
            return f"{sign}{_seconds(abs(value))}"
        case float():
            return f"{sign}{abs(value) * 100:.1f} points"
        case _:
            return f"{sign}{words.count(abs(value))}"


def _raw(value: _Value | Decimal) -> str:
    match value:
        case None:
            return ""
        case Calls():
            return f"{value.cost:f}"
        case tuple():
            return f"{value[0]:.6f}"
        case Decimal():
            return f"{value:f}"
        case float():
            return f"{value:.6f}"
        case _:
            return str(value)


def _seconds(value: float) -> str:
    """Finer than elsewhere: two of them are compared."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _percent(part: float) -> str:
    """To a tenth, and never rounded to all or nothing."""
    if 0 < part < 1:
        part = min(max(part, 0.001), 0.999)
    return f"{part * 100:.1f} %"
