"""A line under the header while fallbacks carry the load."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.dashboard.board import Board
from llmesc.dashboard.strain import Strain, strain, strain_words
from llmesc.dashboard.widgets.told import Told
from llmesc.engine import CircuitLine, RunSummary
from llmesc.escalation.untrusted import one_line


class Banner(Told):
    """There while the primary does not answer."""

    DEFAULT_CSS = """
    Banner { height: 1; padding: 0 1; background: $warning-muted; color: $text-warning; text-style: bold; display: none; }
    Banner { text-wrap: nowrap; text-overflow: ellipsis; }
    Banner.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._of: tuple[Sequence[RunSummary], Sequence[CircuitLine]] | None = None
        self._strain: Strain | None = None

    def show(self, board: Board) -> None:
        """Of these requests and circuits."""
        if self._of is None or self._of[0] is not board.runs or self._of[1] is not board.circuits:
            self._of = (board.runs, board.circuits)
            self._strain = strain(board.runs, board.circuits, board.now)
        self.set_class(self._strain is not None, "-shown")
        if self._strain is not None:
            self.tell_line(one_line(strain_words(self._strain, board.now), 400))
