"""A box over the screen: what every question, list and text that stands there for a moment has in common."""

from __future__ import annotations

from typing import TypeVar

from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from llmesc.escalation.untrusted import one_line

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Yields one `Box`; its result is of type `T`."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Box { height: auto; max-width: 90%; border: round $primary; background: $surface; }
    Dialog .keys { color: $text-muted; padding: 0 1; }
    """


class Box(Vertical):
    """The frame; a title is text from anywhere, and no markup."""

    def __init__(self, title: str = "", subtitle: str = "") -> None:
        super().__init__()
        self.border_title = Content(one_line(title))
        self.border_subtitle = Content(one_line(subtitle))
