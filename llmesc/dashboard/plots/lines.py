"""Lines of text in styles, and the columns that stand under each other in all plots. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from llmesc.engine import Window
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.bars import upright
from llmesc.story.style import Style
from llmesc.story.width import cut, display_width


class Span(NamedTuple):
    """Some text in one style."""

    text: str
    style: Style = "plain"


Line = tuple[Span, ...]

EMPTY: Line = ()

MARK = 3
"""Columns of the sign or word that says what a row of bars means."""

FIGURES = 27
"""Columns for the figures behind the bars, at the least."""

WIDEST_BAR = 4
"""Columns of the terminal for one bucket; a wider one says no more."""


class Grid(NamedTuple):
    """How the columns of a terminal are shared out among a name, a mark, bars over time and figures."""

    name: int
    bar: int
    """For each bucket."""
    buckets: int
    """That there is room for; the newest are shown."""
    figures: int
    """Columns behind the bars."""
    high: int = 1
    """Rows for the bars that matter most."""

    @property
    def before(self) -> int:
        """Columns before the bars."""
        return 1 + self.name + 1 + MARK + 1


def grid(width: int, names: Iterable[str], buckets: int) -> Grid:
    """For so many columns of the terminal. Below 80 or so there is no room for all buckets, and the oldest go first."""
    longest = max((display_width(name) for name in names), default=0)
    name = min(max(longest, 8), max(width // 5 - 2, 8))
    room = width - Grid(name, 1, buckets, FIGURES).before - 2
    bar = min(max((room - FIGURES) // buckets, 1), WIDEST_BAR)
    shown = max(min((room - FIGURES) // bar, buckets), 1)
    return Grid(name, bar, shown, max(room - shown * bar, FIGURES))


def bars(to: Grid, values: Sequence[float], top: float, style: Style, *, high: int = 1) -> list[Span]:
    """The newest of `values`, one for each bucket, as bars; the uppermost row first."""
    return [Span(row, style) for row in upright(values[-to.buckets :], top, bar=to.bar, high=high)]


def rows(to: Grid, name: str, mark: Span, drawn: Sequence[Span], figures: Span) -> Iterator[Line]:
    """Name, mark, bars and figures, each in its place; the words stand at the foot of bars of several rows."""
    *upper, foot = drawn
    for part in upper:
        yield Span(" " * to.before), part
    yield (
        Span(f" {fitted(name, to.name)} "),
        Span(f"{mark.text:<{MARK}} ", mark.style),
        foot,
        Span(f"  {figures.text}", figures.style),
    )


def with_more(to: Grid, figures: str, more: str) -> str:
    """`more` behind the figures, where there is room for all of it."""
    both = f"{figures} · {more}"
    return both if display_width(both) <= to.figures else figures


def axis(to: Grid, window: Window, now: Timestamp) -> Line:
    """The times under the bars: where they begin, their middle, and now."""
    width = to.buckets * to.bar
    began = Timestamp(window.until - to.buckets * window.bucket_seconds)
    times = f"{clock(began):<{max(width - 5, 6)}}{clock(now)}"
    if width >= 24:
        middle = clock(Timestamp(began + to.buckets // 2 * window.bucket_seconds))
        at = to.buckets // 2 * to.bar
        times = times[:at] + middle + times[at + len(middle) :]
    return (Span(" " * to.before + times, "dim"),)


def heading(title: str, *more: Span) -> Line:
    """A title, and what is to be known of what stands beneath."""
    return (Span(f" {title}", "strong"), *(Span(f"  {span.text}", span.style) for span in more))


def fitted(text: str, width: int) -> str:
    """Text from anywhere in exactly so many columns."""
    short = cut(one_line(text), width)
    return short + " " * (width - display_width(short))


def calls_words(number: int) -> str:
    """`1 call`, `1,204 calls`."""
    return f"{words.count(number)} call{'' if number == 1 else 's'}"


def clock(at: Timestamp) -> str:
    """`16:04`, of the operator's clock."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")
