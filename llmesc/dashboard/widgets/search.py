"""One line to type what to look for; it is there while it is used, or says something."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class SearchLine(Input):
    """Tells every change at once. Enter keeps the text and goes back to the list, Escape clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "clear", show=False)]
    DEFAULT_CSS = """
    SearchLine { height: 1; border: none; padding: 0; background: $surface; display: none; }
    SearchLine:focus { border: none; }
    SearchLine.-shown { display: block; }
    """

    class Left(Message):
        """The list takes the focus back."""

    def __init__(self, hint: str) -> None:
        super().__init__(placeholder=hint, compact=True)
        self.cursor_blink = False

    def open(self) -> None:
        """Shows it and takes the focus."""
        self.add_class("-shown")
        self.screen.set_focus(self)  # at once: what is typed next is looked for

    def clear_text(self) -> None:
        """Nothing is looked for any more."""
        self.value = ""
        self.remove_class("-shown")

    def action_give_up(self) -> None:
        """Escape."""
        self.clear_text()
        self.post_message(self.Left())

    def on_input_submitted(self) -> None:
        """Enter."""
        self.set_class(bool(self.value), "-shown")
        self.post_message(self.Left())
