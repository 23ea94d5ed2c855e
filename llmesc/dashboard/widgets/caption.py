"""One line above the keys that says what is to be seen: there only where the board has such words, in the demonstration."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from llmesc.dashboard.board import Board


class CaptionLine(Static):
    """A caption, marked as of a demonstration; or nothing."""

    DEFAULT_CSS = """
    CaptionLine { height: 1; padding: 0 1; display: none; background: $warning-muted; color: $text-warning; text-style: bold; }
    CaptionLine.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._words = ""

    def show(self, board: Board) -> None:
        """The board's caption."""
        if board.caption != self._words:
            self._words = board.caption
            self.set_class(bool(self._words), "-shown")
            self.update(Text(f"DEMO  {self._words}", no_wrap=True, overflow="ellipsis"))
