"""Plain text that grows, as lines of a given width: what is settled is never looked at again. Pure."""

from __future__ import annotations

import re
import textwrap

from rich.cells import cell_len

from llmesc.dashboard.markdown.spans import PLAIN, Line, Look, Span
from llmesc.dashboard.markdown.visible import cleaned
from llmesc.dashboard.markdown.wrap import graphemes

LONGEST_PARAGRAPH = 4_000
"""Characters; a longer line without an end is settled in parts, so that no frame wraps more than this again."""

_WORDS = re.compile(r"\s+|\S+")


def wrapped(paragraph: str, width: int) -> list[str]:
    """The lines of one paragraph, broken between words where that is possible; none is wider than `width` columns."""
    text = paragraph.expandtabs(4)
    if len(text) <= width and text.isascii():
        return [text]
    if text.isascii():
        lines = textwrap.wrap(text, width, replace_whitespace=False, break_on_hyphens=False)
        return lines or [""]
    return _wrapped_by_width(text, width)


def _wrapped_by_width(text: str, width: int) -> list[str]:
    """As `wrapped`, where characters may take two columns or none."""
    lines, line, taken = list[str](), "", 0
    for word in _WORDS.findall(text):
        wide = cell_len(word)
        if taken + wide > width and taken and wide <= width:
            lines.append(line.rstrip())
            line, taken = "", 0
            if word.isspace():
                continue
        if taken + wide <= width:
            line, taken = line + word, taken + wide
            continue
        for character, one in graphemes(word):
            if taken + one > width and line:
                lines.append(line)
                line, taken = "", 0
            line, taken = line + character, taken + one
    return [*lines, line.rstrip()]


class Wrapped:
    """The lines of one growing text, made safe to show."""

    def __init__(self, width: int, look: Look = PLAIN) -> None:
        self.width = max(width, 2)
        self._look = look
        self._settled: list[str] = []
        self._tail: list[str] = []
        self._at = 0
        """Characters of the text that are settled."""
        self._seen = 0

    def __len__(self) -> int:
        return len(self._settled) + len(self._tail)

    def __getitem__(self, index: int) -> Line:
        known = len(self._settled)
        return (Span(self._settled[index] if index < known else self._tail[index - known], self._look),)

    def grow(self, text: str, *, ended: bool, allowance: int) -> int:  # noqa: ARG002 - plain text is never half-written
        """`text` is what it was, and more. Takes about `allowance` characters and says how many it took: fewer than that, and
        all of it is there.
        """
        if len(text) == self._seen:
            return 0
        began = self._at
        while self._at - began < allowance:
            end = text.find("\n", self._at, self._at + LONGEST_PARAGRAPH)
            if end < 0 and len(text) - self._at <= LONGEST_PARAGRAPH:
                self._tail = wrapped(cleaned(text[self._at :]), self.width) if self._at < len(text) else []
                self._seen = len(text)
                return self._at - began
            cut = end if end >= 0 else self._at + LONGEST_PARAGRAPH
            self._settled += wrapped(cleaned(text[self._at : cut]), self.width)
            self._at = cut + 1 if end >= 0 else cut
        self._tail = []
        return self._at - began
