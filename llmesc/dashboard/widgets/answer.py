"""The answer as it comes: one block for each attempt."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from llmesc.dashboard.widgets.pane import Pane
from llmesc.escalation.fold import RunView
from llmesc.escalation.untrusted import safe
from llmesc.story import words


class AnswerPane(Pane):
    """What the attempts of one run wrote."""

    BORDER_TITLE = "3 Answer"

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll():
            yield Static("", markup=False)

    def on_mount(self) -> None:
        """It follows the end."""
        self.query_one(VerticalScroll).anchor()

    def show(self, view: RunView | None) -> None:
        """Of that run."""
        self._view = view
        text = Text()
        for attempt in view.attempts if view is not None else ():
            failed = attempt.discarded or attempt.failure is not None
            text.append(f"── {words.who(attempt.resolution)} ──\n", "bold")
            text.append(safe(attempt.shown) + "\n", "dim strike" if failed else "")
        self.query_one(Static).update(text)

    def follow(self) -> None:
        """To the end, and on with it."""
        self.query_one(VerticalScroll).anchor()

    def answer_text(self) -> str:
        """The accepted answer, or what there is of one."""
        view = getattr(self, "_view", None)
        if view is None:
            return ""
        return view.answer.text if view.answer is not None else view.attempts[-1].shown if view.attempts else ""
