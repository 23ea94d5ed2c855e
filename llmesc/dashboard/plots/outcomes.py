"""How the calls of the last hour ended, by provider instance: a row of bars for each way that occurred. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmesc.dashboard.plots.lines import Grid, Line, Span, axis, bars, heading, rows, with_more
from llmesc.dashboard.plots.trends import Trends
from llmesc.engine import Calls, ProviderActivity
from llmesc.story import words
from llmesc.story.style import Style

_WAYS: tuple[tuple[str, str, Style, Callable[[Calls], int]], ...] = (
    ("✓", "answered", "good", lambda calls: calls.succeeded),
    ("≈", "below bar", "doubtful", lambda calls: calls.below_bar),
    ("✗", "failed", "bad", lambda calls: calls.failed),
    ("⊘", "cancelled", "dim", lambda calls: calls.cancelled),
)


def outcome_lines(trends: Trends, to: Grid) -> Iterator[Line]:
    """The whole plot. All bars of one provider have the same scale, those of another its own."""
    if not trends.providers:
        yield heading("Outcomes by provider")
        yield (Span(" no call ended in the last hour", "dim"),)
        return
    yield heading("Outcomes by provider", *(Span(f"{mark} {word}", style) for mark, word, style, _ in _WAYS))
    for provider in trends.providers:
        yield from _provider(provider, to)
    yield axis(to, trends.window, trends.now)
    minutes = f"{trends.window.bucket_seconds / 60:g}"
    yield (Span(f" {' ' * (to.before - 1)}calls in {minutes} minutes, each provider to its own scale", "dim"),)


def _provider(provider: ProviderActivity, to: Grid) -> Iterator[Line]:
    top = max(count(bucket) for bucket in provider.buckets for _, _, _, count in _WAYS)
    for mark, word, style, count in _WAYS:
        number = count(provider.whole)
        first = mark == _WAYS[0][0]
        if not (first or number):
            continue
        drawn = bars(to, [count(bucket) for bucket in provider.buckets], top, style, high=to.high if first else 1)
        figures = (
            Span(with_more(to, _all_of(provider.whole), f"peak {words.count(top)}"))
            if first
            else Span(f"{words.count(number):>5} {word}", style)
        )
        yield from rows(to, str(provider.key) if first else "", Span(mark, style), drawn, figures)


def _all_of(calls: Calls) -> str:
    return f"{words.count(calls.all):>5} call{'s' if calls.all != 1 else ' '} · {share_words(calls.share)}"


def share_words(share: float | None) -> str:
    """`98% answered`; never all or none of them where that is only nearly so."""
    if share is None:
        return "none ended by itself"
    percent = int(share * 100)
    return f"{'<1' if share and not percent else percent}% answered"
