"""The timeline: the events of the chosen request, with levels and kinds to toggle, and a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from llmesc.dashboard.bindings import bindings
from llmesc.dashboard.entries import LEVELS, Entry, Kind, Level, entry, wanted
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.dashboard.widgets.search import SearchLine
from llmesc.dashboard.widgets.searched import SearchedPane
from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView
from llmesc.story import words


class TimelinePane(SearchedPane):
    """A list of events."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("events")
    BORDER_TITLE = "5 Events"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run_id = ""
        self._events: dict[str, Event] = {}
        self._entries: dict[str, Entry] = {}
        self.least: Level = "info"
        self.hidden: frozenset[Kind] = frozenset()

    def compose(self) -> ComposeResult:
        """The list, and the search below it."""
        yield Rows((Column("at", 8, right=True), Column("", 8, keep=1), Column("event", 0)), empty="no events")
        yield SearchLine("find in the events")

    def show(self, view: RunView | None, events: Sequence[Event]) -> None:
        """`events` of the run that `view` is of, in order; what was shown of the same run is not looked at again."""
        run_id = view.run_id if view is not None else ""
        if run_id != self._run_id:
            self._run_id, self._events, self._entries = run_id, {}, {}
        known = len(self._events)
        if view is None or (events and len(events) < known):  # a replay that went back
            self._events, self._entries, known = {}, {}, 0
        for event in events[known:]:
            self._events[str(event.seq)] = event
            self._entries[str(event.seq)] = entry(event, view or RunView())
        if len(self._events) != known or known == 0:
            self._draw()

    @property
    def chosen(self) -> Event | None:
        """Under the cursor."""
        cursor = self.query_one(Rows).cursor
        return None if cursor is None else self._events.get(cursor)

    def cycle_level(self) -> Level:
        """Shows from the next level on; that level."""
        self.least = LEVELS[(LEVELS.index(self.least) + 1) % len(LEVELS)]
        self._draw()
        return self.least

    def hide(self, kinds: frozenset[Kind]) -> None:
        """Shows the events of the other kinds only."""
        self.hidden = kinds
        self._draw()

    @on(Input.Changed)
    def _searched(self) -> None:
        self._draw()

    def _draw(self) -> None:
        text = self.sought
        keys = tuple(key for key, one in self._entries.items() if wanted(one, least=self.least, hidden=self.hidden, text=text))
        rows = self.query_one(Rows)
        at_the_end = rows.cursor is None or not rows.has_focus
        rows.show(keys, self._cells, empty="no events" if not self._entries else "no such events")
        if at_the_end and keys:
            rows.move_to(keys[-1])
        shown = f"{len(keys)} of {len(self._entries)}" if len(keys) < len(self._entries) else str(len(keys))
        self.say_below(f"{shown} · {self.least} and above" if self.least != "detail" else shown)

    def _cells(self, key: str) -> tuple[Cell, ...]:
        one = self._entries[key]
        return Cell(words.seconds(one.seconds), "dim"), Cell(one.kind, "dim"), Cell(one.text, one.style)
