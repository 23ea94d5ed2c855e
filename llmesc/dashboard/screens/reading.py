"""A long text over the screen, to read, search with the terminal, and copy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from llmesc.escalation.untrusted import one_line, safe


class Reading(ModalScreen[None]):
    """A title and a text that cannot be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close"),
        Binding("y", "copy", "copy"),
    ]
    DEFAULT_CSS = """
    Reading { align: center middle; }
    Reading > Vertical { width: 90%; height: 90%; max-width: 120; border: round $primary; background: $surface; }
    Reading TextArea { height: 1fr; border: none; }
    Reading .keys { height: 1; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical() as box:
            box.border_title = one_line(self._title).replace("[", "\\[")
            area = TextArea(safe(self._text), read_only=True, soft_wrap=True, show_cursor=False)
            area.cursor_blink = False
            yield area
            yield Static("y copy · esc close", classes="keys", markup=False)

    def action_copy(self) -> None:
        """The whole text to the clipboard."""
        self.app.copy_to_clipboard(self._text)
        self.dismiss()
