"""Where one pane is shown at a time: which there are, and which it is."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static

from llmesc.dashboard.situation import PANES, Pane


class TabLine(Static):
    """`1 requests  2 attempts …`; a click chooses."""

    DEFAULT_CSS = """
    TabLine { height: 1; display: none; padding: 0 1; color: $text-muted; }
    """

    class Chosen(Message):
        """A pane was clicked on."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, shown: Pane) -> None:
        """That one is seen."""
        line = Text(no_wrap=True, overflow="ellipsis")
        for number, pane in enumerate(PANES, 1):
            line.append(f"{number} {pane}", "reverse bold" if pane == shown else "")
            line.append(" ")
        self.update(line)

    def on_click(self, event: events.Click) -> None:
        """Goes to the pane whose name is there."""
        offset = event.get_content_offset(self)
        start = 0
        for pane in PANES:
            end = start + len(pane) + 2
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Chosen(pane))
            start = end + 1
