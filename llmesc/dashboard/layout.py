"""How the panes are arranged on a terminal of a given size. Pure."""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["wide", "stacked", "tabs", "small"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)

LEAST_COLUMNS, LEAST_ROWS = 40, 12
"""Below that no pane shows enough to be of use."""

STACKED_ROWS = 22
"""Below that the panes would have two or three lines each: one at a time then."""


def layout_of(columns: int, rows: int) -> Layout:
    """Side by side from 120 columns, stacked from 80, else one pane at a time; too small is no layout at all."""
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        return "small"
    if columns < 80 or rows < STACKED_ROWS:
        return "tabs"
    return "wide" if columns >= 120 else "stacked"
