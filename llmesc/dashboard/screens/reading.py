"""A long text over the screen, to read, search with the terminal, and copy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static, TextArea

from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.escalation.untrusted import safe


class Reading(Dialog[None]):
    """A title and a text that cannot be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close"),
        Binding("y", "copy", "copy"),
    ]
    DEFAULT_CSS = """
    Reading > Box { width: 90%; height: 90%; max-width: 120; }
    Reading TextArea, Reading TextArea:focus { height: 1fr; border: none; }
    Reading .keys { height: 1; }
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Box(self._title):
            area = TextArea(safe(self._text), read_only=True, soft_wrap=True, show_cursor=False)
            area.cursor_blink = False
            yield area
            yield Static("y copy · esc close", classes="keys", markup=False)

    def action_copy(self) -> None:
        """The whole text to the clipboard."""
        self.app.copy_to_clipboard(self._text)
        self.dismiss()
