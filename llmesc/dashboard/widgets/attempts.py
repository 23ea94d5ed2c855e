"""The attempts of the chosen request: who was called, how it went, and who was passed over and why."""

from __future__ import annotations

from textual.app import ComposeResult

from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.escalation.events import CandidateSkipped
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.times import Timestamp
from llmesc.story import words


class AttemptsPane(Pane):
    """A list of attempts, then of the candidates that were skipped."""

    BORDER_TITLE = "2 Attempts"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: dict[str, AttemptView | CandidateSkipped] = {}
        self._now = Timestamp(0)

    def compose(self) -> ComposeResult:
        """The list."""
        yield Rows(
            (
                Column("#", 2, right=True),
                Column("state", 11),
                Column("candidate", 26),
                Column("move", 10, keep=4),
                Column("first", 6, right=True, keep=3),
                Column("tok/s", 6, right=True, keep=2),
                Column("tokens", 8, right=True, keep=3),
                Column("cost", 8, right=True, keep=2),
                Column("time", 6, right=True, keep=1),
                Column("cause", 0),
            ),
            empty="no attempt yet",
        )

    def show(self, view: RunView | None, now: Timestamp) -> None:
        """Of that run; `now` is what the running one's figures are of."""
        self._now = now
        self._rows = {}
        if view is not None:
            self._rows |= {str(attempt.attempt): attempt for attempt in view.attempts}
            self._rows |= {f"skip {skip.seq}": skip for skip in view.skipped}
        self.query_one(Rows).show(tuple(self._rows), self._cells)

    @property
    def chosen(self) -> AttemptView | None:
        """Under the cursor, where that is an attempt."""
        cursor = self.query_one(Rows).cursor
        row = self._rows.get(cursor) if cursor is not None else None
        return row if isinstance(row, AttemptView) else None

    def _cells(self, key: str) -> tuple[Cell, ...]:
        row = self._rows[key]
        if isinstance(row, CandidateSkipped):
            why = f"{words.plain_words(row.reason)}{f': {row.detail}' if row.detail else ''}"
            blank = [Cell("")] * 6
            return Cell("↷", "dim"), Cell("↷ skipped", "dim"), Cell(words.who(row.resolution), "dim"), *blank, Cell(why, "dim")
        state, style = words.outcome_words(row.outcome or "running")
        seconds = row.duration_seconds if row.duration_seconds is not None else max(self._now - row.started_at, 0.0)
        return (
            Cell(str(row.attempt)),
            Cell(state, style),
            Cell(words.who(row.resolution)),
            Cell(row.move, "dim"),
            Cell("" if row.first_token_seconds is None else words.seconds(row.first_token_seconds)),
            Cell(_rate(row, seconds)),
            Cell("" if row.usage is None else words.count(row.usage.output_tokens)),
            Cell("" if row.cost is None else words.money(row.cost, estimated=row.cost_estimated)),
            Cell(words.seconds(seconds)),
            Cell(words.cause_words(row), style),
        )


def _rate(row: AttemptView, seconds: float) -> str:
    """Tokens a second; while it runs, four characters for one."""
    tokens = row.usage.output_tokens if row.usage is not None else row.characters // 4
    writing = seconds - (row.first_token_seconds or 0.0)
    return f"{tokens / writing:.0f}" if tokens and writing > 0 else ""
