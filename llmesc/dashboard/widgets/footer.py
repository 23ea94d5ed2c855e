"""The line of keys at the bottom: where there is no room for all of them, those before the last give way."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer

LAST = 2
"""The help and the way out: they are shown however narrow it is."""


class KeyLine(Footer):
    """Textual's footer, made to fit."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._made_for = 0

    def compose(self) -> ComposeResult:
        """As many of the first keys as fit, then the last ones."""
        self._made_for = self.app.size.width
        made = list(super().compose())
        first, last = made[:-LAST], made[-LAST:]
        while first and sum(map(_width, (*first, *last))) - 1 > self._made_for:  # the last space needs no room
            first.pop()
        yield from (*first, *last)

    def on_resize(self) -> None:
        """There may be more or less room."""
        if self.app.size.width != self._made_for:
            self.refresh(recompose=True)


def _width(key: Widget) -> int:
    """Of a `FooterKey`, which Textual keeps to itself: the key with a space on both sides, what it does, and a space."""
    return len(getattr(key, "key_display", "")) + len(getattr(key, "description", "")) + 3
