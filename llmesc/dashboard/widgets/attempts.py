"""The attempts of the chosen request: who was called, when, how it went, and who was passed over and why."""

from __future__ import annotations

from textual.app import ComposeResult

from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.dashboard.widgets.told import Told
from llmesc.escalation.events import CandidateSkipped
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.times import Timestamp
from llmesc.story import words
from llmesc.story.attempt_words import about_attempt, about_skip, rate, short_cause
from llmesc.story.waterfall import bar, mark

BAR_WIDTH = 10


class AttemptsPane(Pane):
    """Attempts and skipped candidates in the order in which they came, and all that is known of the one under the cursor."""

    BORDER_TITLE = "2 Attempts"
    DEFAULT_CSS = """
    AttemptsPane #about-attempt { height: auto; max-height: 2; color: $text-muted; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run_id = ""
        self._rows: dict[str, AttemptView | CandidateSkipped] = {}
        self._now = Timestamp(0)
        self._interrupted = False
        self._whole_seconds = 0.0

    def compose(self) -> ComposeResult:
        """The list, and the lines about the cursor's row."""
        yield Rows(
            (
                Column("#", 2, right=True),
                Column("state", 11),
                Column("candidate", 22),
                Column("move", 10, keep=5),
                Column("when", BAR_WIDTH, keep=1),
                Column("time", 6, right=True),
                Column("first", 6, right=True, keep=4),
                Column("tok/s", 6, right=True, keep=6),
                Column("tokens", 8, right=True, keep=3),
                Column("cost", 8, right=True, keep=2),
                Column("cause", 0, least=11),
            ),
            empty="no attempt yet",
        )
        yield Told(id="about-attempt")

    def show(self, view: RunView | None, now: Timestamp) -> None:
        """Of that run; `now` is what the running one's figures are of, unless its process is gone: then they stay."""
        run_id = view.run_id if view is not None else ""
        again, self._run_id = run_id == self._run_id, run_id
        self._interrupted = view is not None and view.interrupted
        self._now = view.at or now if view is not None and view.interrupted else now
        before = len(self._rows)
        self._rows = _in_order(view) if view is not None else {}
        if view is not None and view.started_at is not None:
            until = self._now if view.outcome is None else view.at or now
            self._whole_seconds = max(until - view.started_at, view.elapsed_ms / 1000)
        rows = self.query_one(Rows)
        rows.show(tuple(self._rows), self._cells)
        newest = [key for key, row in self._rows.items() if isinstance(row, AttemptView)][-1:]
        if newest and (not again or (len(self._rows) != before and not rows.has_focus)):
            rows.move_to(newest[0])
        self.query_one("#about-attempt", Told).tell(self._about())
        self.say_below(_of_the_run(view))

    @property
    def chosen(self) -> AttemptView | None:
        """Under the cursor, where that is an attempt."""
        row = self._under_the_cursor()
        return row if isinstance(row, AttemptView) else None

    def _under_the_cursor(self) -> AttemptView | CandidateSkipped | None:
        cursor = self.query_one(Rows).cursor
        return self._rows.get(cursor) if cursor is not None else None

    def _about(self) -> str:
        row = self._under_the_cursor()
        if row is None:
            return ""
        return about_skip(row, self._now) if isinstance(row, CandidateSkipped) else about_attempt(row, self._seconds(row))

    def _seconds(self, row: AttemptView) -> float:
        """It took, or has taken so far."""
        return row.duration_seconds if row.duration_seconds is not None else max(self._now - row.started_at, 0.0)

    def _cells(self, key: str) -> tuple[Cell, ...]:
        row = self._rows[key]
        who = Cell(words.who(row.resolution), "dim" if isinstance(row, CandidateSkipped) else "plain")
        if isinstance(row, CandidateSkipped):
            when = mark(row.elapsed_ms / 1000, whole=self._whole_seconds, width=BAR_WIDTH)
            blank = [Cell("")] * 5
            return Cell(""), Cell("↷ skipped", "dim"), who, Cell(""), Cell(when, "dim"), *blank, Cell(_why(row), "dim")
        state, style = words.outcome_words(row.outcome or ("interrupted" if self._interrupted else "running"))
        seconds, first = self._seconds(row), row.first_token_seconds
        began = row.started_ms / 1000
        first_at = None if first is None else began + first
        return (
            Cell(str(row.attempt)),
            Cell(state, style),
            who,
            Cell(row.move, "dim"),
            Cell(bar(began, first_at, began + seconds, whole=self._whole_seconds, width=BAR_WIDTH), style),
            Cell(words.seconds(seconds)),
            Cell("" if first is None else words.seconds(first)),
            Cell(rate(row, seconds)),
            Cell("" if row.usage is None else words.count(row.usage.output_tokens)),
            Cell("" if row.cost is None else words.money(row.cost, estimated=row.cost_estimated)),
            Cell(short_cause(row), style),
        )


def _in_order(view: RunView) -> dict[str, AttemptView | CandidateSkipped]:
    """By the key of their row, as they came."""
    rows: list[tuple[float, str, AttemptView | CandidateSkipped]] = []
    rows += [(attempt.started_ms, str(attempt.attempt), attempt) for attempt in view.attempts]
    rows += [(skip.elapsed_ms, f"skip {skip.seq}", skip) for skip in view.skipped]
    return {key: row for _, key, row in sorted(rows, key=lambda row: row[0])}


def _why(skip: CandidateSkipped) -> str:
    return f"{words.plain_words(skip.reason)}{f': {skip.detail}' if skip.detail else ''}"


def _of_the_run(view: RunView | None) -> str:
    """What all of them came to."""
    if view is None or view.totals is None:
        return ""
    parts = [words.plural(view.totals.attempts, "attempt"), words.seconds(view.totals.duration_seconds)]
    if view.totals.cost is not None:
        parts.append(words.money(view.totals.cost, estimated=view.totals.usage.estimated))
    if view.totals.judge is not None and view.totals.judge.cost:
        parts.append(f"judge {words.money(view.totals.judge.cost, estimated=view.totals.judge.usage.estimated)}")
    return " · ".join(parts)
