"""A list to pick one from, narrowed by typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.escalation.untrusted import one_line


class Pick(Dialog[str]):
    """Its result is the key of what was picked; nothing where the user gave up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "cancel"),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]
    DEFAULT_CSS = """
    Pick > Box { width: 76; max-height: 80%; }
    Pick OptionList { height: auto; max-height: 20; border: none; }
    """

    def __init__(self, question: str, choices: Sequence[tuple[str, str]]) -> None:
        """`choices`: a key and what people read, in order."""
        super().__init__()
        self._question = question
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """The question, the filter, the list."""
        with Box(self._question):
            line = Input(placeholder="type to narrow", compact=True)
            line.cursor_blink = False
            yield line
            choices = OptionList(*self._options(""), markup=False)
            choices.can_focus = False
            yield choices
            yield Static("enter picks · esc cancels", classes="keys", markup=False)

    def on_mount(self) -> None:
        """The first is marked."""
        self.query_one(OptionList).highlighted = 0 if self._choices else None

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(self._options(event.value))
        choices.highlighted = 0 if choices.option_count else None

    @on(Input.Submitted)
    def _picked(self) -> None:
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id or "")

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")

    def action_move(self, by: int) -> None:
        """The mark goes up or down."""
        choices = self.query_one(OptionList)
        if choices.option_count:
            choices.highlighted = ((choices.highlighted or 0) + by) % choices.option_count

    def _options(self, text: str) -> list[Option]:
        words = text.casefold().split()
        return [
            Option(Text(one_line(label)), id=key)
            for key, label in self._choices
            if all(word in label.casefold() for word in words)
        ]
