"""All plots under each other, for a terminal of some width. Pure."""

from __future__ import annotations

from llmesc.dashboard.plots.cost import cost_lines
from llmesc.dashboard.plots.latency import latency_lines
from llmesc.dashboard.plots.lines import EMPTY, Grid, Line, grid
from llmesc.dashboard.plots.outcomes import outcome_lines
from llmesc.dashboard.plots.trends import Trends

HIGHEST = 3
"""Rows for a bar."""


def page(trends: Trends, width: int, height: int) -> list[Line]:
    """Line by line. The bars over time stand under each other in both plots that have some, and are as high as leaves room for
    everything in `height` rows; where not even the lowest do, there are more lines than that.
    """
    to = grid(width, (str(provider.key) for provider in trends.providers), trends.window.buckets)
    for high in range(HIGHEST, 0, -1):
        lines = _lines(trends, to._replace(high=high), width)
        if len(lines) <= height:
            break
    return lines


def _lines(trends: Trends, to: Grid, width: int) -> list[Line]:
    return [*outcome_lines(trends, to), EMPTY, *latency_lines(trends, to), EMPTY, *cost_lines(trends, width)]
