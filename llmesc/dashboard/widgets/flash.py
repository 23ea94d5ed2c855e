"""One line of notices above the keys: what was done, what cannot be done and why. It goes by itself."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story.style import Style

SHOWN_SECONDS = 4.0


class FlashLine(Static):
    """Empty, or one notice."""

    DEFAULT_CSS = """
    FlashLine { height: 1; text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; display: none; }
    FlashLine.-shown { display: block; }
    FlashLine.-good { color: $text-success; }
    FlashLine.-bad { color: $text-error; text-style: bold; }
    FlashLine.-doubtful { color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._until = Timestamp(0)

    def say(self, text: str, style: Style, now: Timestamp) -> None:
        """Shows a notice until `now` and a few seconds."""
        self._until = Timestamp(now + SHOWN_SECONDS)
        self.set_classes(f"-shown -{style}")
        self.update(Text(one_line(text, 500), no_wrap=True, overflow="ellipsis"))

    def tick(self, now: Timestamp) -> None:
        """Takes a notice away whose time is up."""
        if self.has_class("-shown") and now >= self._until:
            self.set_classes("")
