"""The first line: where this is, what runs, what today brought."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from textual.widgets import Static

from llmesc.dashboard.board import Board
from llmesc.escalation.untrusted import one_line
from llmesc.story import words


class HeaderBar(Static):
    """One line."""

    DEFAULT_CSS = """
    HeaderBar { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, board: Board, *, paused_behind: int | None) -> None:
        """`paused_behind`: events that came since the picture was frozen; None where it moves."""
        running = sum(1 for run in board.runs if run.outcome == "running")
        parts = ["llmesc", _store(board), f"{running} running"]
        if board.today is not None:
            parts.append(f"{words.count(board.today.requests)} today")
            if board.today.cost is not None:
                parts.append(words.money(board.today.cost))
        if paused_behind is not None:
            parts.append(f"⏸ paused, {words.count(paused_behind)} new")
        clock = datetime.fromtimestamp(board.now).astimezone().strftime("%H:%M:%S")
        left = " · ".join(parts)
        room = max(self.size.width - 2, 0)
        self.update(Text(f"{left:<{max(room - len(clock), 0)}}{clock}", no_wrap=True, overflow="ellipsis"))


def _store(board: Board) -> str:
    """Where the state is, and since when it does not answer."""
    store = board.store
    if store.away_since is None:
        return f"state {one_line(store.place)}"
    away = words.seconds(max(board.now - store.away_since, 0))
    return f"⚠ state {one_line(store.place)} away for {away}: {one_line(store.problem)}"
