"""The plots: lines that scroll, drawn as they are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmesc.dashboard.keys import LIST_KEYS
from llmesc.dashboard.plots.lines import Line
from llmesc.dashboard.plots.page import page
from llmesc.dashboard.plots.trends import Trends


class PlotView(ScrollView, can_focus=True):
    """Draws what `page` makes of the trends, anew for each size."""

    BINDINGS: ClassVar[list[BindingType]] = list(LIST_KEYS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "plots--dim",
        "plots--good",
        "plots--bad",
        "plots--doubtful",
        "plots--strong",
    }
    DEFAULT_CSS = """
    PlotView { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }
    PlotView > .plots--dim { text-style: dim; }
    PlotView > .plots--good { color: $text-success; }
    PlotView > .plots--bad { color: $text-error; }
    PlotView > .plots--doubtful { color: $text-warning; }
    PlotView > .plots--strong { text-style: bold; color: $primary; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._trends: Trends | None = None
        self._made: tuple[Trends | None, int, int] = (None, 0, 0)
        self._lines: Sequence[Line] = ()

    def show(self, trends: Trends) -> None:
        """Draws these."""
        self._trends = trends
        self._make()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the page."""
        width = self.scrollable_content_region.width
        at = int(self.scroll_offset.y) + y
        line = self._lines[at] if at < len(self._lines) else ()
        base = self.rich_style
        styles = {"plain": base}
        for span in line:
            if span.style not in styles:
                styles[span.style] = base + self.get_component_rich_style(f"plots--{span.style}", partial=True)
        return Strip([Segment(span.text, styles[span.style]) for span in line]).adjust_cell_length(width, base)

    def on_resize(self) -> None:
        """The lines take the new size."""
        self._make()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Down (or up, where negative) by so many lines."""
        self.scroll_relative(y=by, animate=False, immediate=True)

    def action_page(self, pages: float) -> None:
        """Down or up by so much of the height."""
        self.action_move(round(pages * max(self.size.height - 1, 1)))

    def action_end(self, first: bool) -> None:
        """To the first or the last line."""
        self.scroll_to(y=0 if first else len(self._lines), animate=False, immediate=True)

    def _make(self) -> None:
        # Always with room for the scrollbar: whether there is one depends on what is made.
        width, height = self.size.width - 1, self.size.height
        if self._trends is None or width <= 0 or self._made == (self._trends, width, height):
            return
        self._made = (self._trends, width, height)
        self._lines = page(self._trends, width, height)
        self.virtual_size = Size(0, len(self._lines))
