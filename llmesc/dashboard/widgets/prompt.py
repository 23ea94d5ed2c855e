"""The prompt: one line that grows while it is typed in, with the earlier prompts behind the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from llmesc.escalation.untrusted import one_line, safe

NEWLINE_KEYS = frozenset({"ctrl+j", "shift+enter", "alt+enter"})
"""Ctrl+J arrives from every terminal; the others from those that tell them from Enter."""


class PromptBar(TextArea):
    """Enter sends, Ctrl+J begins a line, Escape leaves and keeps the text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]
    DEFAULT_CSS = """
    PromptBar { height: auto; min-height: 3; max-height: 10; border: round $panel-lighten-2; border-title-color: $text-muted; }
    PromptBar:focus { border: round $primary; }
    """

    class Sent(Message):
        """A prompt to ask."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The prompt gives the focus back."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, placeholder="ask…")
        self.cursor_blink = False
        self.border_title = "> ask"
        self._earlier: Sequence[str] = ()
        self._back = 0
        """How many prompts back the text is; 0: the one that is being written."""
        self._draft = ""

    def remember(self, prompts: Sequence[str]) -> None:
        """The earlier prompts, newest first."""
        self._earlier = prompts

    def about(self, text: str) -> None:
        """Where it goes: chain and model."""
        self.border_subtitle = Content(one_line(text))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._send()
        elif event.key in NEWLINE_KEYS:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "up" and self.cursor_location[0] == 0:
            event.prevent_default()
            self._recall(self._back + 1)
        elif event.key == "down" and self.cursor_location[0] == self.document.line_count - 1:
            event.prevent_default()
            self._recall(self._back - 1)
        else:
            await super()._on_key(event)

    def action_leave(self) -> None:
        """Escape."""
        self.post_message(self.Left())

    def _send(self) -> None:
        text = self.text.strip()
        if text:
            self.clear()
            self._back, self._draft = 0, ""
            self.post_message(self.Sent(text))

    def _recall(self, back: int) -> None:
        if not 0 <= back <= len(self._earlier):
            return
        if self._back == 0:
            self._draft = self.text
        self._back = back
        self.load_text(safe(self._earlier[back - 1]) if back else self._draft)
        self.move_cursor(self.document.end)
