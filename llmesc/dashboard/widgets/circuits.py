"""The circuits: one row for each provider instance; under them the models that routing must not use."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from llmesc.dashboard.bindings import bindings
from llmesc.dashboard.board import Board
from llmesc.dashboard.circuit_words import about_circuit, about_denial, outcomes, weight
from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.dashboard.widgets.told import Told
from llmesc.engine import CircuitLine
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp
from llmesc.story import words


class CircuitsPane(Pane):
    """A list of circuits and denials, and what is known of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("circuits")
    BORDER_TITLE = "4 Circuits"
    DEFAULT_CSS = """
    CircuitsPane #about { height: auto; max-height: 3; color: $text-muted; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: dict[str, CircuitLine] = {}
        self._denials: dict[str, Denial] = {}
        self._policy = CircuitPolicy()
        self._now = Timestamp(0)

    def compose(self) -> ComposeResult:
        """The list, and the line about the cursor's row."""
        yield Rows(
            (
                Column("", 11),
                Column("circuit", 0, least=13),
                Column("fails", 5, right=True, keep=2),
                Column("recent", 8, keep=1),
                Column("probe", 7, right=True),
            ),
            empty="no provider is configured",
        )
        yield Told(id="about")

    def show(self, board: Board) -> None:
        """The circuits of `board`."""
        self._lines = {str(line.key): line for line in board.circuits}
        self._denials = {f"denied {denial.key}": denial for denial in board.denials}
        self._policy, self._now = board.policy, board.now
        self.query_one(Rows).show((*self._lines, *self._denials), self._cells)
        about = ""
        if (line := self.chosen) is not None:
            about = about_circuit(line, self._now)
        elif (denial := self.denial) is not None:
            about = about_denial(denial, self._now)
        self.query_one("#about", Told).tell(about)

    @property
    def chosen(self) -> CircuitLine | None:
        """Under the cursor."""
        cursor = self.query_one(Rows).cursor
        return None if cursor is None else self._lines.get(cursor)

    @property
    def denial(self) -> Denial | None:
        """Under the cursor, where that is a denied model."""
        cursor = self.query_one(Rows).cursor
        return None if cursor is None else self._denials.get(cursor)

    def _cells(self, key: str) -> tuple[Cell, ...]:
        if (denial := self._denials.get(key)) is not None:
            until = "" if denial.until is None else words.seconds(max(denial.until - self._now, 0))
            return Cell("⊘ denied", "doubtful"), Cell(str(denial.key)), Cell(""), Cell(""), Cell(until, "dim")
        line = self._lines[key]
        circuit = line.circuit
        state, style = words.state_words(line.state)
        if circuit.override is not None:
            state, style = f"⊙ {circuit.override.state}!", "doubtful"
        until_at = circuit.override.until if circuit.override is not None else circuit.retry_at
        wait = "" if until_at is None or line.state != "open" else words.seconds(max(until_at - self._now, 0))
        if circuit.lease is not None and line.state == "half_open":
            wait = "probing"
        return (
            Cell(state, style),
            Cell(key),
            Cell(weight(circuit, self._policy, self._now), "dim"),
            Cell(outcomes(circuit.recent), "dim"),
            Cell(wait, "dim"),
        )
