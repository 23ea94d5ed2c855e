"""A question before something is lost."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.escalation.untrusted import one_line


class Confirm(Dialog[bool]):
    """Yes or no; Enter is no answer to a question about a loss, so it takes `y`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q", "answer(False)", "no"),
    ]
    DEFAULT_CSS = """
    Confirm > Box { width: 64; border: round $warning; padding: 1 2; }
    Confirm .loses { color: $text-muted; margin: 1 0; }
    """

    def __init__(self, question: str, loses: str) -> None:
        super().__init__()
        self._question = question
        self._loses = loses

    def compose(self) -> ComposeResult:
        """The question, what is lost, the keys."""
        with Box():
            yield Static(one_line(self._question), markup=False)
            yield Static(one_line(self._loses, 500), classes="loses", markup=False)
            yield Static("y yes · n no", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Closes with the answer."""
        self.dismiss(yes)
