"""Which kinds of events the timeline shows."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import SelectionList, Static

from llmesc.dashboard.entries import KINDS, Kind
from llmesc.dashboard.screens.dialog import Box, Dialog


class KindsToShow(Dialog[frozenset[Kind]]):
    """A list to tick; its result is the kinds that are hidden from now on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "done", "done")]
    DEFAULT_CSS = """
    KindsToShow > Box { width: 36; }
    KindsToShow SelectionList { height: auto; border: none; }
    """

    def __init__(self, hidden: frozenset[Kind]) -> None:
        super().__init__()
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """One line a kind."""
        with Box("Events to show"):
            yield SelectionList[Kind](*((kind, kind, kind not in self._hidden) for kind in KINDS))
            yield Static("space ticks · esc done", classes="keys", markup=False)

    def action_done(self) -> None:
        """Closes with what is not ticked."""
        ticked: set[Kind] = set(self.query_one(SelectionList).selected)
        self.dismiss(frozenset(KINDS) - ticked)
