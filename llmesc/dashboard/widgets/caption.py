"""One line above the keys that says what is to be seen: there only where the board has such words, in the demonstration."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from llmesc.escalation.untrusted import one_line


class CaptionLine(Static):
    """A caption, marked as of a demonstration; or nothing."""

    DEFAULT_CSS = """
    CaptionLine { text-wrap: nowrap; text-overflow: ellipsis; }
    CaptionLine { height: 1; display: none; background: $panel; color: $text-warning; text-style: bold; }
    CaptionLine.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._words = ""

    def show(self, words: str) -> None:
        """Says these words from now on; none: it is not there."""
        if words != self._words:
            self._words = words
            self.set_class(bool(words), "-shown")
            self.update(Text.assemble((" DEMO ", "reverse"), f" {one_line(words, 400)}", no_wrap=True, overflow="ellipsis"))
