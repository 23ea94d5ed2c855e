"""Words that are drawn when they change: a frame on which they are the same costs nothing."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from llmesc.escalation.untrusted import safe


class Told(Static):
    """Text from anywhere, never markup."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._told: str | Text = ""

    def tell(self, text: str | Text) -> None:
        """Says this from now on."""
        if text != self._told:
            self._told = text
            self.update(safe(text) if isinstance(text, str) else text)

    def tell_line(self, text: str) -> None:
        """As `tell`, in one line that is cut where it has no room."""
        self.tell(Text(safe(text), no_wrap=True, overflow="ellipsis"))
