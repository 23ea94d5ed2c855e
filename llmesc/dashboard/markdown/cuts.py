"""Where a piece of source is cut, so that what stands before is drawn once and for all, and how the rest is to be read.

The rest of a block that was cut (the next rows of a table, the next items of a list, more of a fence) means nothing by itself: it
is read behind a `carry`, a few lines of source that open the same blocks again and hold nothing but marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.tree import SyntaxTreeNode

from llmesc.dashboard.markdown.boundary import fence_of
from llmesc.dashboard.markdown.heal import open_marks
from llmesc.dashboard.markdown.inline import carried_number
from llmesc.dashboard.markdown.parse import blocks, lines_of
from llmesc.dashboard.markdown.table import cells_of, wanted_widths
from llmesc.dashboard.markdown.visible import MARK
from llmesc.escalation.light_dataclass import dataclass

_PREFIX = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)))*[ \t]*")
_CONTAINERS = {"bullet_list", "ordered_list", "list_item", "blockquote"}


@dataclass(frozen=True, slots=True)
class Cut:
    """A place in a piece of source."""

    line: int
    """The first line that is not settled."""
    carry: str = ""
    """What it is to be read behind."""

    @property
    def fence(self) -> str:
        """The top-level fence that `carry` opens."""
        return fence_of(self.carry) if self.carry.endswith("\n") and self.carry.count("\n") == 1 else ""

    @property
    def deep(self) -> bool:
        """Whether `carry` opens a fence inside another block."""
        return not self.fence and ("```" in self.carry or "~~~" in self.carry)


def cut(source: str, *, longest: int, mid_line: bool) -> Cut:
    """Where to cut `source`, whole lines that begin with a block; of its characters at least those before the last `longest` are
    settled. `mid_line`: its last line is not at its end, all of it is settled, and the rest is its rest. Pure.
    """
    return _Cutting(source, longest, mid_line).cut()


class _Cutting:
    def __init__(self, source: str, longest: int, mid_line: bool) -> None:
        self._text = source
        self._lines = source.split("\n")
        self._longest = longest
        self._mid_line = mid_line
        self._path: list[tuple[SyntaxTreeNode, int | None]] = []
        """The blocks that stay open: items of lists (with their numbers) and quotes."""

    def cut(self) -> Cut:
        """Down the last blocks, to the first one that is short enough to be kept whole, or else into the last of all."""
        children = blocks(self._text).children
        while children:
            last = children[-1]
            first, _ = lines_of(last)
            if len(children) > 1 and not self._mid_line and self._rest(first) <= self._longest:
                return self._before(children, first)
            if last.type not in _CONTAINERS:
                return self._inside(last)
            if last.type == "list_item":
                self._path.append((last, _number(children, len(children) - 1)))
            children = last.children
        return Cut(len(self._lines) - 1, self._carried())  # an item that holds nothing yet

    def _rest(self, line: int) -> int:
        return sum(len(text) + 1 for text in self._lines[line:])

    def _before(self, children: Sequence[SyntaxTreeNode], line: int) -> Cut:
        """Before the last of some blocks."""
        if not self._lines[line - 1].strip(" \t>"):
            line -= 1  # that there is an empty line before a block is the block's affair
        if children[-1].type == "list_item":
            self._path.append((children[-2], _number(children, len(children) - 2)))
        return Cut(line, self._carried())

    def _inside(self, leaf: SyntaxTreeNode) -> Cut:
        """At the end of the piece, in a block that may go on."""
        first, end = lines_of(leaf)
        last = len(self._lines) - 1  # a piece of whole lines ends with an empty one
        if self._mid_line:
            return Cut(last, self._carried(leaf))
        end = max(end, last - 1)  # nothing but empty lines follow, and one of them is enough
        if leaf.type == "fence":
            closing = self._lines[lines_of(leaf)[1] - 1].strip(" \t>")
            closed = lines_of(leaf)[1] - 1 > first and len(closing) >= len(leaf.markup) and set(closing) == {leaf.markup[0]}
            return Cut(end, self._carried()) if closed else Cut(last, self._carried(leaf))
        if leaf.type in ("paragraph", "table", "code_block") and (end == last or leaf.type == "code_block"):
            return Cut(end, self._carried(leaf))
        return Cut(end, self._carried())

    def _carried(self, leaf: SyntaxTreeNode | None = None) -> str:
        """Source that opens the blocks of the path again, and `leaf`."""
        carried: list[str] = []
        taken: set[int] = set()
        for item, number in self._path:
            first, _ = lines_of(item)
            if first not in taken:
                taken.add(first)
                prefix = self._prefix(first)
                told = "" if number is None else f"{number}{MARK}"
                carried.append(f"{prefix}{'' if prefix.endswith(' ') else ' '}{MARK}{told}\n")
        if leaf is None:
            return "".join(carried)
        first, _ = lines_of(leaf)
        prefix = self._prefix(first) if leaf.type != "code_block" else re.sub(r"[^ \t>].*", "", self._lines[first])
        if first in taken:
            prefix = "".join(char if char in " \t>" else " " for char in prefix)
        return "".join(carried) + self._leaf(leaf, prefix, first)

    def _leaf(self, leaf: SyntaxTreeNode, prefix: str, first: int) -> str:
        if leaf.type == "fence":
            return f"{prefix}{leaf.markup}{leaf.info.strip().partition(' ')[0][:40]} {MARK}\n"
        if leaf.type == "code_block":
            return f"{prefix}{MARK}" + ("" if self._mid_line else "\n")
        if leaf.type == "table":
            widths = wanted_widths(cells_of(leaf))
            titles = "|".join(f"{MARK}{width}{MARK}" for width in widths)
            rule = self._lines[first + 1][len(self._prefix(first + 1)) :] if ">" in prefix else self._lines[first + 1].strip()
            return f"{prefix}|{titles}|\n{prefix}{rule}\n"
        if leaf.type == "heading":
            return f"{prefix}{leaf.markup if leaf.markup.startswith('#') else '#'} {MARK} "
        if leaf.type != "paragraph":
            return ""
        marks = open_marks(leaf.children[0].content if leaf.children else "")
        if self._mid_line or (marks and not self._path and ">" not in prefix):
            return f"{prefix}{MARK} {marks}"
        return f"{prefix}{MARK}\n"

    def _prefix(self, line: int) -> str:
        found = _PREFIX.match(self._lines[line])
        return found[0] if found is not None else ""


def _number(items: Sequence[SyntaxTreeNode], place: int) -> int | None:
    """The number of an item of a list; None where the list has no numbers."""
    of = items[place].parent
    if of is None or of.type != "ordered_list":
        return None
    first = next((node for node in items[0].walk() if node.type == "inline"), None)
    carried = carried_number(first.content) if first is not None else None
    return (int(of.attrs.get("start", 1)) if carried is None else carried) + place
