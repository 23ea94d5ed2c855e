"""A small form: some lines to fill in, each with what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.untrusted import one_line, safe


def _anything(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a form."""

    name: str
    about: str
    value: str = ""
    wrong: Callable[[str], str] = _anything
    """What is wrong with what was typed, and what is allowed; empty where nothing is."""


class Form(Dialog[dict[str, str]]):
    """Its result is what was typed, by name; nothing where the user gave up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss({})", "cancel")]
    DEFAULT_CSS = """
    Form > Box { width: 70; border: round $warning; padding: 0 1; }
    Form .about { color: $text-muted; margin-top: 1; }
    Form .wrong { color: $text-error; height: auto; }
    Form .keys { padding: 0; margin-top: 1; }
    """

    def __init__(self, question: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._question = question
        self._lines = tuple(lines)

    def compose(self) -> ComposeResult:
        """The question, the lines, the keys."""
        with Box():
            yield Static(one_line(self._question), markup=False)
            for line in self._lines:
                yield Static(line.about, classes="about", markup=False)
                field = Input(one_line(line.value), id=line.name, compact=True)
                field.cursor_blink = False
                yield field
            yield Static("", classes="wrong", markup=False)
            several = " · tab next" if len(self._lines) > 1 else ""
            yield Static(f"enter done{several} · esc cancel", classes="keys", markup=False)

    def on_input_submitted(self) -> None:
        """Enter: done, where nothing is wrong."""
        typed = {line.name: self.query_one(f"#{line.name}", Input).value.strip() for line in self._lines}
        problems = [f"{line.name}: {problem}" for line in self._lines if (problem := line.wrong(typed[line.name]))]
        if problems:
            self.query_one(".wrong", Static).update(safe("\n".join(problems)))
        else:
            self.dismiss(typed)
