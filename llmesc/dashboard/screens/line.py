"""A modal that asks for one line."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class OneLine(ModalScreen[str]):
    """Its result is the line, or nothing where the user gave up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "cancel")]
    DEFAULT_CSS = """
    OneLine { align: center middle; }
    OneLine > Vertical { width: 70; max-width: 90%; height: auto; border: round $primary; background: $surface; padding: 0 1; }
    OneLine .keys { color: $text-muted; }
    """

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        """The question, the line, the keys."""
        with Vertical():
            yield Static(self._question, markup=False)
            line = Input(self._value, compact=True)
            line.cursor_blink = False
            yield line
            yield Static("enter done · esc cancel", classes="keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value.strip())
