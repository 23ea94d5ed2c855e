"""How long the answers of the last hour took, by provider instance. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from llmesc.dashboard.plots.lines import Grid, Line, Span, axis, bars, heading, rows, with_more
from llmesc.dashboard.plots.trends import Trends
from llmesc.engine import ProviderActivity
from llmesc.story import words


def latency_lines(trends: Trends, to: Grid) -> Iterator[Line]:
    """The whole plot. Both rows of one provider have the same scale, those of another its own."""
    answering = [provider for provider in trends.providers if provider.whole.succeeded]
    if not answering:
        yield heading("Latency by provider")
        yield (Span(" no call was answered in the last hour", "dim"),)
        return
    yield heading("Latency by provider", Span("of answers: half took no longer than p50", "dim"))
    for provider in answering:
        yield from _provider(provider, to)
    yield axis(to, trends.window, trends.now)


def _provider(provider: ProviderActivity, to: Grid) -> Iterator[Line]:
    spreads = [bucket.seconds for bucket in provider.buckets]
    top = max(spread.p95 for spread in spreads if spread is not None)
    whole, first = provider.whole.seconds, provider.whole.first_token_seconds
    assert whole is not None, "it answered"
    late = [0.0 if spread is None else spread.p95 for spread in spreads]
    usual = [0.0 if spread is None else spread.p50 for spread in spreads]
    in_late = with_more(to, _figures(whole.p95, first and first.p95), f"peak {words.seconds(top)}")
    yield from rows(to, str(provider.key), Span("p95"), bars(to, late, top, "dim", high=to.high), Span(in_late, "dim"))
    in_usual = _figures(whole.p50, first and first.p50)
    yield from rows(to, "", Span("p50"), bars(to, usual, top, "good"), Span(in_usual))


def _figures(seconds: float, first_token_seconds: float | None) -> str:
    first = "" if first_token_seconds is None else f" · first token {words.seconds(first_token_seconds)}"
    return f"{words.seconds(seconds):>6}{first}"
