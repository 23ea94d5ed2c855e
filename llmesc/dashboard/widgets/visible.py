"""Which lines of a widget are to be drawn again. Most frames change one line of a list, or none; drawing is what costs."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.widget import Widget


class VisibleLines:
    """What was on the lines of a widget the last time it was looked at."""

    def __init__(self) -> None:
        self._seen: Sequence[object] = ()

    def refresh(self, widget: Widget, lines: Sequence[object]) -> None:
        """Has the lines drawn that are others now; `lines` are the values of all that are visible, from the top."""
        before, self._seen = self._seen, lines
        if len(before) != len(lines):
            widget.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, lines, strict=True)) if old is not new and old != new]
        if changed:
            widget.refresh(*(Region(0, y, widget.size.width, 1) for y in changed))
