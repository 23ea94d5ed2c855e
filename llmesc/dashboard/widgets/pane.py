"""The frame of a pane: a border with its number and name, and one list inside."""

from __future__ import annotations

from textual.containers import Vertical


class Pane(Vertical):
    """A titled box; the border shows which one has the focus."""

    DEFAULT_CSS = """
    Pane { border: round $panel-lighten-2; border-title-color: $text-muted; border-subtitle-color: $text-muted; padding: 0; }
    Pane:focus-within { border: round $primary; border-title-color: $primary; border-title-style: bold; }
    """
