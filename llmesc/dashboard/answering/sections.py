"""The lines of one entry of a block, which grow with it."""

from __future__ import annotations

from collections.abc import Sized
from typing import Protocol

from llmesc.dashboard.answering.blocks import Entry
from llmesc.dashboard.markdown.growing import GrowingMarkdown
from llmesc.dashboard.markdown.spans import Line, Look, Span
from llmesc.dashboard.wrapping import Wrapped
from llmesc.escalation.light_dataclass import dataclass

_INSIDE = (Span("  "),)
"""Before what a folded entry holds."""

_THINKING = Look("thinking", emphasis=True)
_NOTE = Look("note")


class Growing(Sized, Protocol):
    """Lines of a text that grows."""

    def __getitem__(self, index: int) -> Line: ...

    def grow(self, text: str, *, ended: bool, allowance: int) -> int:
        """Takes about `allowance` characters more of `text`; how many it took. Fewer: all of it is there."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """How entries are drawn."""

    width: int
    markdown: bool


class Section:
    """An entry: text as it is, held text under a line that says so, thinking and tools folded to a line until they are opened."""

    def __init__(self, entry: Entry, form: Format, *, is_open: bool, after: Section | None = None) -> None:
        """`after`: whose text it goes on with, where there is such a one; all of that is drawn."""
        self.kind = entry.kind
        self.start = entry.start
        self.is_open = is_open
        self._form = form
        self._carry = after.carry_on() if after is not None else ""
        self._entry = entry
        self._length = 0
        self._text = self._fresh()

    def __len__(self) -> int:
        return len(self._heading) + (len(self._text) if self._shows_text else 0)

    def __getitem__(self, index: int) -> Line:
        heading = self._heading
        if index < len(heading):
            return heading[index]
        line = self._text[index - len(heading)]
        return _INSIDE + line if self.folds else line

    @property
    def folds(self) -> bool:
        """Whether it can be folded to a line."""
        return self.kind in ("thinking", "tool")

    def same_as(self, entry: Entry) -> bool:
        """Whether it is of that entry, and that is what it was or more."""
        return (self.kind, self.start) == (entry.kind, entry.start) and self._length <= len(entry.text)

    def show(self, entry: Entry, allowance: int) -> int:
        """The entry as it is now; takes about `allowance` characters of it, and says how many it took."""
        if self.kind == "tool" and entry.text != self._entry.text:
            self._text = self._fresh()
        self._entry, self._length = entry, len(entry.text)
        return self._text.grow(entry.text, ended=entry.ended, allowance=allowance) if self._shows_text else 0

    def carry_on(self) -> str:
        """What Markdown that goes on from its end is to be read behind."""
        return self._text.carry_on() if isinstance(self._text, GrowingMarkdown) else ""

    @property
    def _shows_text(self) -> bool:
        return self.is_open or not self.folds

    @property
    def _heading(self) -> tuple[Line, ...]:
        if self.folds:
            return ((Span(f"{'▾' if self.is_open else '▸'} {self._entry.heading}", _NOTE),),)
        return ((Span(self._entry.heading, _NOTE),),) if self._entry.heading else ()

    def _fresh(self) -> Growing:
        if self.folds:
            return Wrapped(self._form.width - 2, _THINKING if self.kind == "thinking" else _NOTE)
        return GrowingMarkdown(self._form.width, carry=self._carry) if self._form.markdown else Wrapped(self._form.width)
