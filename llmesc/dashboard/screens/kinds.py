"""Which kinds of events the timeline shows."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import SelectionList, Static

from llmesc.dashboard.entries import KINDS, Kind


class KindsToShow(ModalScreen[frozenset[Kind]]):
    """A list to tick; its result is the kinds that are hidden from now on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "done", "done")]
    DEFAULT_CSS = """
    KindsToShow { align: center middle; }
    KindsToShow > Vertical { width: 36; height: auto; border: round $primary; background: $surface; }
    KindsToShow SelectionList { height: auto; border: none; }
    KindsToShow .keys { color: $text-muted; padding: 0 1; }
    """

    def __init__(self, hidden: frozenset[Kind]) -> None:
        super().__init__()
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """One line a kind."""
        with Vertical() as box:
            box.border_title = "Events to show"
            yield SelectionList[Kind](*((kind, kind, kind not in self._hidden) for kind in KINDS))
            yield Static("space ticks · esc done", classes="keys", markup=False)

    def action_done(self) -> None:
        """Closes with what is not ticked."""
        ticked: set[Kind] = set(self.query_one(SelectionList).selected)
        self.dismiss(frozenset(KINDS) - ticked)
