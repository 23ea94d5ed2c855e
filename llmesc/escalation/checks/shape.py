"""Which lines of an answer are prose. Code, tables, data and drawings may repeat themselves and end as they like."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

_BEFORE_A_FENCE = "-*+>0123456789.) \t"
"""A fence may stand in a list item or a quotation."""

_MARKS = re.compile("[\x21-\x40\x5b-\x60\x7b-\x7e\u2500-\u25ff]+")
"""What is no letter: ASCII punctuation and digits, box drawing, blocks and geometric shapes."""
_PROSE = 0.75
"""The part of a line of prose that are no marks. Code without a fence has fewer."""


_NOTHING = re.compile(r"(?:[\s\x00-\x1f\u200b-\u200f\u2060\ufeff.…]|```\w{0,20}|<\|\w{1,40}\|>)*+")
"""White space, signs that nobody sees, dots, an empty code block, a model's control tokens."""


def is_blank(text: str) -> bool:
    """Whether there is nothing in `text` to read."""
    return _NOTHING.fullmatch(without_reasoning(text)) is not None


def without_reasoning(text: str) -> str:
    """`text` without the reasoning that some models write before the answer, where it came to an end."""
    return text.partition("</think>")[2] if text.lstrip().startswith("<think>") and "</think>" in text else text


class LineKind(Enum):
    """What a line is made of."""

    PROSE = auto()
    CODE = auto()
    """In a fence; the fences themselves too."""
    TABLE = auto()
    DATA = auto()
    """Too few letters for prose: rows of numbers, rulers, drawings, code without a fence."""


class Line(NamedTuple):
    """A line that is not blank, without the white space around it."""

    kind: LineKind
    text: str


class Shape(NamedTuple):
    """The end of an answer: its last lines that are not blank, over `LOOKED_AT` characters."""

    lines: list[Line]
    fence_open: bool
    """Whether the text ends inside a code block."""


LOOKED_AT = 200_000
"""Characters from the end that are read line by line: who is caught in a loop does not come out of it."""


def shape_of(text: str) -> Shape:
    """Reads `text` line by line."""
    cut = text.rfind("\n", 0, max(0, len(text) - LOOKED_AT)) + 1
    fence = _Fence()
    for line in text[:cut].splitlines():
        fence.sees(line.strip())
    lines = [Line(_kind(line, fence), line) for raw in text[cut:].splitlines() if (line := raw.strip())]
    # A bare fence that nothing follows closes what was never opened; nobody starts a block with his last word.
    ends_with_bare_fence = bool(lines) and not lines[-1].text.strip("`~")
    return Shape(lines, fence_open=fence.depth > 0 and not ends_with_bare_fence)


def _kind(line: str, fence: _Fence) -> LineKind:
    was_open = fence.depth > 0
    if fence.sees(line) or was_open:
        return LineKind.CODE
    if line[0] == "|" or line.count("|") > 1:
        return LineKind.TABLE
    return LineKind.PROSE if len(_MARKS.sub("", line)) >= _PROSE * len(line) else LineKind.DATA


class _Fence:
    """Whether a code block is open. Blocks in blocks are counted, because models nest them without a longer fence."""

    def __init__(self) -> None:
        self.depth = 0
        self._mark = ""
        """The fence that opened the outermost block; shorter and different ones inside it are its content."""

    def sees(self, line: str) -> bool:
        """Takes the next line; whether it opens or closes a block."""
        if "```" not in line and "~~~" not in line:
            return False
        bare = line.lstrip(_BEFORE_A_FENCE)
        mark = bare[: len(bare) - len(bare.lstrip(bare[:1]))] if bare[:1] in ("`", "~") else ""
        info = bare[len(mark) :].strip()
        if len(mark) < 3 or "`" in info or (self.depth and not mark.startswith(self._mark)):
            return False
        if self.depth == 0:
            self._mark = mark
        self.depth += 1 if info or self.depth == 0 else -1
        return True
