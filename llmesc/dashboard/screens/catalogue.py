"""The whole catalogue of faults, played one after the other: a line for each as it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static, TextArea

from llmesc.dashboard.drill.words import catalogue_state, catalogue_text
from llmesc.dashboard.screens.dialog import Box, Dialog
from llmesc.engine.drills import RowDrilled
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.untrusted import one_line

_SCROLLBAR = 3
"""Columns that the text may not have, once it is longer than the box."""


class Catalogue(Dialog[None]):
    """Plays while it is there; to close it ends the drill."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close"),
        Binding("y", "copy", "copy"),
    ]
    DEFAULT_CSS = """
    Catalogue > Box { width: 100%; height: 95%; max-width: 136; }
    Catalogue TextArea, Catalogue TextArea:focus { height: 1fr; border: none; padding: 0; }
    Catalogue .keys { height: 1; }
    """

    def __init__(self, title: str, rows: AsyncIterator[RowDrilled], *, of: int) -> None:
        """`rows` as they are done, `of` so many."""
        super().__init__()
        self._title = title
        self._rows = rows
        self._of = of
        self._done: list[RowDrilled] = []

    def compose(self) -> ComposeResult:
        """Title, table, keys."""
        with Box(self._title):
            area = TextArea("", read_only=True, soft_wrap=True, show_cursor=False)
            area.cursor_blink = False
            yield area
            yield Static("", classes="keys", markup=False)

    def on_mount(self) -> None:
        """The first fault is played."""
        self._show()
        self.run_worker(self._play(), name="catalogue", group="catalogue")

    def on_resize(self) -> None:
        """The table is cut anew."""
        self.call_after_refresh(self._show)

    def action_copy(self) -> None:
        """The table so far, nothing cut, to the clipboard."""
        self.app.copy_to_clipboard(catalogue_text(self._done, of=self._of))
        self._tell("copied all columns")

    async def _play(self) -> None:
        try:
            async for row in self._rows:
                self._done.append(row)
                self._show()
        except LlmescError as error:
            self._tell(f"✗ {one_line(str(error))}")

    def _show(self) -> None:
        area = self.query_one(TextArea)
        at_the_end = area.scroll_offset.y >= area.max_scroll_y
        area.text = catalogue_text(self._done, of=self._of, width=max(area.size.width - _SCROLLBAR, 0) or None)
        if at_the_end:
            area.scroll_end(animate=False)
        self._tell(f"{catalogue_state(self._done, of=self._of)} · y copy")

    def _tell(self, words: str) -> None:
        """These words, and how to leave."""
        ended = len(self._done) == self._of
        self.query_one(".keys", Static).update(f"{words} · esc {'close' if ended else 'stop and close'}")
