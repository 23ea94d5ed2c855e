"""Spans to lines of a width: broken between words where that is possible, never inside a character that is drawn as one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, split_graphemes

from llmesc.dashboard.markdown.spans import Line, Look, Span

_PIECES = re.compile(r"\n|[ \t]+|[^ \t\n]+")


def width_of(line: Sequence[Span]) -> int:
    """Columns of the terminal."""
    return sum(cell_len(span.text) for span in line)


class _Lines:
    """Lines that are being filled, and the word that may not fit any more."""

    def __init__(self, width: int) -> None:
        self.width = max(width, 2)
        self.lines: list[Line] = []
        self._line: list[Span] = []
        self._taken = 0
        self._gap: Span | None = None
        self._word: list[Span] = []
        self._word_width = 0

    def add(self, text: str, look: Look) -> None:
        """More of the word that has begun."""
        self._word.append(Span(text, look))
        self._word_width += cell_len(text)

    def space(self, look: Look) -> None:
        """The word is complete."""
        self._place()
        if self._line:
            self._gap = Span(" ", look)

    def end(self) -> None:
        """The line is complete, empty as it may be."""
        self._place()
        self.lines.append(_joined(self._line))
        self._line, self._taken, self._gap = [], 0, None

    def _place(self) -> None:
        if not self._word:
            return
        gap = 1 if self._gap is not None else 0
        if self._taken + gap + self._word_width > self.width and (
            self._word_width <= self.width or self._taken + gap >= self.width
        ):
            if self._line:
                self.lines.append(_joined(self._line))
            self._line, self._taken, self._gap = [], 0, None
        if self._gap is not None:
            self._line.append(self._gap)
            self._taken += 1
            self._gap = None
        if self._taken + self._word_width <= self.width:
            self._line += self._word
            self._taken += self._word_width
        else:
            self._broken()
        self._word, self._word_width = [], 0

    def _broken(self) -> None:
        """A word that is longer than any line."""
        for text, look in self._word:
            for part, wide in graphemes(text):
                if self._taken + wide > self.width and self._line:
                    self.lines.append(_joined(self._line))
                    self._line, self._taken = [], 0
                self._line.append(Span(part, look))
                self._taken += wide

    def done(self) -> list[Line]:
        """All of them."""
        self._place()
        if self._line or not self.lines:
            self.lines.append(_joined(self._line))
        return self.lines


def wrap(spans: Iterable[Span], width: int) -> list[Line]:
    """Lines of at most `width` columns (2 at least); a newline ends one, other white space is one space. At least one line."""
    lines = _Lines(width)
    for text, look in spans:
        for piece in _PIECES.findall(text):
            if piece == "\n":
                lines.end()
            elif piece[0] in " \t":
                lines.space(look)
            else:
                lines.add(piece, look)
    return lines.done()


def folded(spans: Iterable[Span], width: int) -> list[Line]:
    """As `wrap`, for code: white space stays as it is, and a line is broken wherever its room ends."""
    width = max(width, 2)
    lines, line, taken = list[Line](), list[Span](), 0
    for text, look in spans:
        for number, piece in enumerate(text.split("\n")):
            if number:
                lines.append(_joined(line))
                line, taken = [], 0
            if taken + cell_len(piece) <= width:
                line.append(Span(piece, look))
                taken += cell_len(piece)
                continue
            for part, wide in graphemes(piece):
                if taken + wide > width and line:
                    lines.append(_joined(line))
                    line, taken = [], 0
                line.append(Span(part, look))
                taken += wide
    return [*lines, _joined(line)]


def graphemes(text: str) -> Iterable[tuple[str, int]]:
    """What is drawn as one character each, with its columns."""
    if text.isascii():
        return ((character, 1) for character in text)
    return ((text[start:end], wide) for start, end, wide in split_graphemes(text)[0])


def _joined(line: Sequence[Span]) -> Line:
    """Neighbours of one look as one."""
    joined: list[Span] = []
    for span in line:
        if not span.text:
            continue
        if joined and joined[-1].look == span.look:
            joined[-1] = Span(joined[-1].text + span.text, span.look)
        else:
            joined.append(span)
    return tuple(joined)
