"""A pane whose list is narrowed by what is typed below it."""

from __future__ import annotations

from textual import on

from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.rows import Rows
from llmesc.dashboard.widgets.search import SearchLine


class SearchedPane(Pane):
    """Yields `Rows` and a `SearchLine`; what a change of the text does is the pane's own."""

    def search(self) -> None:
        """Opens the line to type in."""
        self.query_one(SearchLine).open()

    def clear_search(self) -> bool:
        """Nothing is looked for any more; whether something was."""
        line = self.query_one(SearchLine)
        searched = bool(line.value)
        line.clear_text()
        return searched

    @property
    def sought(self) -> str:
        """What is typed."""
        return self.query_one(SearchLine).value

    @on(SearchLine.Left)
    def _back_to_the_list(self) -> None:
        self.screen.set_focus(self.query_one(Rows))
