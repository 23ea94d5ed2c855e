"""The first line: where this is, what runs, what today brought."""

from __future__ import annotations

from datetime import datetime

from llmesc.dashboard.board import Board
from llmesc.dashboard.widgets.told import Told
from llmesc.engine import DayTotals, RunSummary
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.width import display_width


class HeaderBar(Told):
    """One line; where it is too narrow, what says least is left out."""

    DEFAULT_CSS = """
    HeaderBar { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._of: tuple[RunSummary, ...] = ()
        self._run_count = 0

    def show(self, board: Board, *, chain: str, paused_behind: int | None) -> None:
        """`chain`: that is asked; `paused_behind`: events that came since the picture was frozen, None where it moves."""
        if board.runs is not self._of:
            self._of = board.runs
            self._run_count = sum(1 for run in board.runs if run.outcome == "running")
        clock = datetime.fromtimestamp(board.now).astimezone().strftime("%H:%M:%S")
        room = max(self.size.width - 2, 0)
        left = _fitted(_parts(board, chain, self._run_count, paused_behind), room - len(clock) - 2)
        space = " " * max(room - display_width(left) - len(clock), 1)
        self.tell_line(f"{left}{space}{clock}")


def _parts(board: Board, chain: str, running: int, paused_behind: int | None) -> list[tuple[int, str]]:
    """What there is to say, in order; the larger the number, the sooner it is left out."""
    parts = [(0, "llmesc"), (4, f"chain {one_line(chain, 40)}"), (0, _store(board)), (1, f"{running} running")]
    if (today := board.today) is not None:
        parts.append((2, f"{words.count(today.requests)} today"))
        if today.failed:
            parts.append((3, f"{words.count(today.failed)} failed"))
        parts.append((5, f"↑{words.count(today.input_tokens)} ↓{words.count(today.output_tokens)}"))
        parts.append((2, _cost(today)))
    if paused_behind is not None:
        parts.append((0, f"⏸ paused, {words.count(paused_behind)} new"))
    return parts


def _cost(today: DayTotals) -> str:
    """`$0.42`; `≥$0.42` where the cost of some is not known."""
    amount = words.amount(today.cost, today.cost_unknown)
    return amount if "$" in amount else f"cost {amount}"


def _fitted(parts: list[tuple[int, str]], width: int) -> str:
    kept = list(parts)
    while display_width(line := " · ".join(text for _, text in kept)) > width:
        least = max(kept, key=lambda part: part[0])
        if least[0] == 0:
            break
        kept.remove(least)
    return line


def _store(board: Board) -> str:
    """Where the state is, and since when it does not answer."""
    store = board.store
    if store.instead:
        return one_line(store.instead)
    if store.away_since is None:
        return f"state {one_line(store.place)}"
    away = words.seconds(max(board.now - store.away_since, 0))
    return f"⚠ state {one_line(store.place)} away for {away}: {one_line(store.problem)}"
