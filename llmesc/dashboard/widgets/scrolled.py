"""Lists and texts that scroll, with a bar that is drawn when it looks different.

Textual has it drawn after every line that a text grows by: that takes longer than the line, and mostly shows nothing new.
"""

from __future__ import annotations

from math import ceil
from typing import Self

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.widget import Widget

EIGHTHS = 8
"""Of a line: the finest that a bar shows."""


def thumb(lines: float, height: int, top: float) -> tuple[int, int]:
    """Where the thumb begins and ends, in eighths of a line, as Textual draws it: `lines` in all, `height` of them are seen from
    `top` on.
    """
    if not 0 < height < lines:
        return 0, 0
    length = max(1.0, height * height / lines)
    start = int((height - length) * (top / (lines - height)) * EIGHTHS)
    return start, start + ceil(length * EIGHTHS)


class CalmBar(ScrollBar):
    """Textual's, but for when it is drawn."""

    _drawn: object = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draws it, where there is something to see."""
        looks = self._looks()
        if looks is not None and looks == self._drawn and not (regions or layout or recompose):
            return self
        self._drawn = looks
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _looks(self) -> object:
        """All that decides how it looks; None where it is nowhere yet."""
        if not isinstance(self.parent, Widget) or not self.is_mounted:
            return None
        styles = self.parent.styles
        colors = (
            (styles.scrollbar_background_active, styles.scrollbar_color_active)
            if self.grabbed
            else (styles.scrollbar_background_hover, styles.scrollbar_color_hover)
            if self.mouse_over
            else (styles.scrollbar_background, styles.scrollbar_color)
        )
        where = thumb(self.window_virtual_size, self.window_size, self.position)
        return self.size, where, colors, self.parent.background_colors


class Scrolled(ScrollView):
    """A scroll view with such a bar."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Made when it is first asked for, as Textual does; it has no other place to say which bar that is."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = CalmBar(vertical=True, name="vertical", thickness=self.scrollbar_size_vertical)
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """A text that was followed to its end before it had a bar is not at its beginning."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y
