"""The help: every key, by where it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.keys import LIST_KEYS, spoken
from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.dashboard.situation import PANES, Pane
from llmesc.escalation.untrusted import one_line


class Keys(Dialog[None]):
    """Closes with any of the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    Keys > Box { width: 84; max-width: 95%; max-height: 95%; }
    Keys VerticalScroll { height: auto; max-height: 100%; }
    """

    def __init__(self, keymap: dict[str, str], pane: Pane, *, read_only: bool) -> None:
        super().__init__()
        self._keymap = keymap
        self._pane = pane
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """The panes' keys first, those of the pane with the focus foremost."""
        with Box("Keys", "esc closes · ctrl+p has every command"), VerticalScroll():
            for title, lines in self._sections():
                yield Static(Text(title, "bold"), markup=False)
                yield Static(_table(lines), markup=False)

    def _sections(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        for pane in (self._pane, None, *(other for other in PANES if other != self._pane)):
            lines = [
                (one_line(spoken(self._keymap.get(command.id, command.key))), command.about)
                for command in COMMANDS
                if command.pane == pane and not (self._read_only and command.changes)
            ]
            if lines:
                yield "everywhere" if pane is None else f"in the {pane}", lines
        yield "in every list", [(spoken(binding.key), binding.description) for binding in LIST_KEYS]


def _table(lines: list[tuple[str, str]]) -> Table:
    """What a key does goes on below itself, not below the key."""
    table = Table.grid(Column(width=24), Column(ratio=1), expand=True)
    for key, about in lines:
        table.add_row(Text(f"  {key}", "bold"), Text(about))
    return table
