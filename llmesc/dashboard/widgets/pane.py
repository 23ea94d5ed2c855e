"""The frame of a pane: a border with its number and name, and one list inside."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.content import Content

from llmesc.escalation.untrusted import one_line


class Pane(Vertical):
    """A titled box; the border shows which one has the focus."""

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    """It never has the focus itself, which Textual would take for a no."""

    _said_below = ""

    DEFAULT_CSS = """
    Pane { border: round $panel-lighten-2; border-title-color: $text-muted; border-subtitle-color: $text-muted; padding: 0; }
    Pane:focus-within { border: round $primary; border-title-color: $primary; border-title-style: bold; }
    """

    def say_below(self, text: str) -> None:
        """Words in the lower border; the same words again draw nothing, for a pane is drawn whole with its border."""
        if text != self._said_below:
            self._said_below = text
            self.border_subtitle = Content(one_line(text))
