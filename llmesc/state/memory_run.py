"""One run in the memory of a process: its events, and what they mean for the lists of runs and attempts.

That is made out when somebody looks: of most runs nobody does, and it takes a tenth of what a call takes.
"""

from __future__ import annotations

from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.state.process import Process
from llmesc.state.projection import TELLING, Columns, attempt_changes, new_attempt, new_run, run_changes


class MemoryRun:
    """Its events by seq, its columns, and those of its attempts by number."""

    __slots__ = ("_attempts", "_columns", "_untold", "_writer", "alive_at", "events")

    def __init__(self, first: Event, writer: Process) -> None:
        """`first`: the one that is known first; `writer`: the process that stores it."""
        self.events: dict[int, Event] = {}
        self.alive_at: Timestamp = first.at
        """When something of it was stored last."""
        self._writer = writer
        self._columns = new_run(first, writer)
        self._attempts: dict[int, Columns] = {}
        self._untold: list[Event] = []
        """In the order they came: what they change is not in the columns yet."""

    def add(self, event: Event) -> None:
        """One that is not there yet."""
        self.events[event.seq] = event
        if event.__class__ in TELLING:
            self._untold.append(event)

    @property
    def columns(self) -> Columns:
        """Of the run."""
        self._catch_up()
        self._columns["alive_at"] = self.alive_at
        return self._columns

    @property
    def attempts(self) -> dict[int, Columns]:
        """By number."""
        self._catch_up()
        return self._attempts

    @property
    def owner(self) -> Process:
        """The process that made it."""
        columns = self.columns
        return Process(columns["host"], columns["pid"], columns["process_started"])

    def _catch_up(self) -> None:
        for event in self._untold:
            self._columns |= run_changes(event, self._writer)
            if change := attempt_changes(event):
                attempt, columns = change
                self._attempts.setdefault(attempt, new_attempt(event, attempt)).update(columns)
        self._untold.clear()
