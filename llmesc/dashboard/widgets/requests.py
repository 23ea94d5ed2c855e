"""The requests: running and past, newest first, of all processes."""

from __future__ import annotations

from textual.app import ComposeResult

from llmesc.dashboard.board import Board
from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.engine import RunSummary
from llmesc.story import words


class RequestsPane(Pane):
    """A list of runs."""

    BORDER_TITLE = "1 Requests"

    def compose(self) -> ComposeResult:
        """The list."""
        yield Rows(
            (
                Column("", 12),
                Column("prompt", 0),
                Column("tokens", 7, right=True, keep=2),
                Column("cost", 8, right=True, keep=1),
                Column("age", 6, right=True, keep=3),
            ),
            empty='nothing asked yet; ask with a, or: llmesc ask "…"',
        )

    def show(self, board: Board, *, follow: bool) -> None:
        """`follow`: the newest request is the chosen one."""
        self._runs = {run.run_id: run for run in board.runs}
        self._now = board.now
        rows = self.query_one(Rows)
        rows.show(tuple(self._runs), self._cells)
        if follow and board.runs:
            rows.move_to(board.runs[0].run_id)

    @property
    def chosen(self) -> RunSummary | None:
        """Under the cursor."""
        key = self.query_one(Rows).cursor
        return getattr(self, "_runs", {}).get(key)

    def _cells(self, key: str) -> tuple[Cell, ...]:
        run = self._runs[key]
        outcome, style = words.outcome_words(run.outcome)
        tokens = run.output_tokens
        return (
            Cell(outcome, style),
            Cell(run.prompt),
            Cell("" if tokens is None else words.count(tokens), "dim"),
            Cell("" if run.cost is None else words.money(run.cost), "dim"),
            Cell(words.seconds(max(self._now - run.started_at, 0)), "dim"),
        )
