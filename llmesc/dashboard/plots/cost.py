"""What the last days cost, one bar for each. What is not known is called so, and is no 0. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from llmesc.dashboard.plots.lines import Line, Span, calls_words, heading
from llmesc.dashboard.plots.trends import Day, Trends
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.bars import lying
from llmesc.story.width import cut

_LABEL = 10
_MONEY = 9
_NOTE = 29
_LONGEST = 60


def cost_lines(trends: Trends, width: int) -> Iterator[Line]:
    """The whole plot."""
    days = trends.days
    calls, unknown = sum(day.calls for day in days), sum(day.unknown for day in days)
    cost = sum((day.cost for day in days), Decimal(0))
    if not calls:
        yield heading("Cost by day")
        yield (Span(f" nothing was asked in the last {len(days)} days; ask from the prompt, or with llmesc ask", "dim"),)
        return
    total = f"{words.amount(cost, unknown, sum(day.unpriced for day in days))} in {len(days)} days"
    yield heading("Cost by day", Span(total), *_legend(days))
    room = min(max(width - 1 - _LABEL - 1 - 1 - _MONEY - 2 - _NOTE, 4), _LONGEST)
    top = float(max(day.cost for day in days))
    for number, day in enumerate(days):
        yield _day(day, "today" if number == 0 else _date(day), top, room, width)


def _legend(days: Sequence[Day]) -> Iterator[Span]:
    if any(day.unknown for day in days):
        yield Span("? and more: some calls have no known cost", "doubtful")


def _day(day: Day, label: str, top: float, room: int, width: int) -> Line:
    bar = lying(float(day.cost), top, room - 1)
    more = "?" if day.unknown else ""
    amount = words.amount(day.cost, day.unknown, day.unpriced) if day.calls else "–"
    note = _note(day)
    left = width - (1 + _LABEL + 1 + room + 1 + _MONEY + 2) - len(note)
    return (
        Span(f" {label:<{_LABEL}} "),
        Span(bar, "good"),
        Span(more, "doubtful"),
        Span(" " * (room - len(bar) - len(more) + 1)),
        Span(f"{amount:>{_MONEY}}", "doubtful" if day.unknown else "plain" if day.cost else "dim"),
        Span(f"  {note}", "dim"),
        Span(_dearest(day, left), "dim"),
    )


def _note(day: Day) -> str:
    calls = calls_words(day.calls)
    if day.unknown == day.calls and day.calls:
        return f"{calls} of unknown cost"
    return f"{calls}, {words.count(day.unknown)} of unknown cost" if day.unknown else calls


def _dearest(day: Day, room: int) -> str:
    """Who cost most of it, where there is room to say so."""
    if day.dearest is None or room < 30:
        return ""
    return cut(f"  mostly {one_line(day.dearest.ref)}: {words.money(day.dearest.cost)}", room)


def _date(day: Day) -> str:
    return datetime.fromtimestamp(day.since).astimezone().strftime("%a %d %b")
