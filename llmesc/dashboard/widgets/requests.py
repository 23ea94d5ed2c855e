"""The requests: running and past, newest first, of all processes."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from llmesc.dashboard.bindings import bindings
from llmesc.dashboard.board import Board
from llmesc.dashboard.filters import fits, parse
from llmesc.dashboard.request_words import about_request
from llmesc.dashboard.sorting import ORDERS, Order, ordered
from llmesc.dashboard.widgets.rows import Cell, Column, Rows
from llmesc.dashboard.widgets.search import SearchLine
from llmesc.dashboard.widgets.searched import SearchedPane
from llmesc.dashboard.widgets.told import Told
from llmesc.engine import RunSummary
from llmesc.escalation.times import Timestamp
from llmesc.story import words

_NOTHING_ASKED = 'nothing asked yet; ask with a, or: llmesc ask "…"'


class RequestsPane(SearchedPane):
    """A list of runs, narrowed by a filter, in the order that was chosen, and the facts of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("requests")
    BORDER_TITLE = "1 Requests"
    DEFAULT_CSS = """
    RequestsPane #about-request { height: auto; max-height: 2; color: $text-muted; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listed: tuple[RunSummary, ...] = ()
        self._runs: dict[str, RunSummary] = {}
        self._keys: tuple[str, ...] = ()
        """Of those that the filter lets through, in order."""
        self._newest: str | None = None
        """Of those."""
        self._order: Order = "newest"
        self._now = Timestamp(0)
        self._follow = False

    def compose(self) -> ComposeResult:
        """The list, the facts, and the filter below it."""
        yield Rows(
            (
                Column("", 12),
                Column("prompt", 0, least=14),
                Column("chain", 10, keep=4),
                Column("tokens", 7, right=True, keep=3),
                Column("cost", 8, right=True, keep=2),
                Column("age", 6, right=True, keep=1),
            ),
            empty=_NOTHING_ASKED,
        )
        yield Told(id="about-request")
        yield SearchLine("words · !word · provider: outcome: chain:")

    def show(self, board: Board, *, follow: bool) -> None:
        """`follow`: the newest request that is listed is the chosen one."""
        self._now, self._follow = board.now, follow
        if board.runs is not self._listed:
            self._listed = board.runs
            self._runs = {run.run_id: run for run in board.runs}
            self._narrow()
        self._draw()

    def next_order(self) -> Order:
        """Lists them in the next order; that order."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._narrow()
        self._draw()
        return self._order

    @property
    def chosen(self) -> RunSummary | None:
        """Under the cursor."""
        cursor = self.query_one(Rows).cursor
        return None if cursor is None else self._runs.get(cursor)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._narrow()
        self._draw()

    def _narrow(self) -> None:
        terms = parse(self.sought)
        found = [run for run in self._listed if fits(run, terms)]
        self._newest = found[0].run_id if found else None
        self._keys = tuple(run.run_id for run in ordered(found, self._order, self._now))
        counted = f"{len(self._keys):,} of {len(self._listed):,}" if terms else ""
        self.say_below(" · ".join(part for part in (counted, "" if self._order == "newest" else self._order) if part))

    def _draw(self) -> None:
        rows = self.query_one(Rows)
        rows.show(self._keys, self._cells, empty="no such requests; esc clears the filter" if self._listed else _NOTHING_ASKED)
        if self._follow and self._newest is not None:
            rows.move_to(self._newest)
        run = self.chosen
        self.query_one("#about-request", Told).tell("" if run is None else about_request(run, self._now))

    def _cells(self, key: str) -> tuple[Cell, ...]:
        run = self._runs[key]
        outcome, style = words.outcome_words(run.outcome)
        tokens = run.output_tokens
        return (
            Cell(outcome, style),
            Cell(run.prompt),
            Cell(run.chain, "dim"),
            Cell("" if tokens is None else words.count(tokens), "dim"),
            Cell("" if run.cost is None else words.money(run.cost), "dim"),
            Cell(words.seconds(max(self._now - run.started_at, 0)), "dim"),
        )
