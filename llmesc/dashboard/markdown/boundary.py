"""Where a new top-level block certainly begins, told from single lines: cheap, and right whatever comes after."""

from __future__ import annotations

import re
from dataclasses import replace

from llmesc.escalation.light_dataclass import dataclass

_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
_FENCED_DEEPER = re.compile(r"([ \t>]+)(?:`{3,}|~{3,})")
_LIST_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_WRITTEN_ITEM = re.compile(r"([-+*]|(\d{1,9})[.)])( {1,4})(?=\S)")
_RULE = re.compile(r"(?:[-*_][ \t]*){3,}$")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the lines so far say about the next one. Pure values; `after` makes the next."""

    fence: str = ""
    """The top-level fence that is open, as it was written (its backticks or tildes)."""
    unsure: bool = False
    """A fence stands inside another block, perhaps: until the piece is parsed no boundary is told."""
    blank: bool = False
    """The last line was empty."""
    closed: bool = False
    """The last line closed a top-level fence."""
    item: str = ""
    """The last line at the left margin began an item of a list: its marker with the spaces behind it. What is indented by as much
    is inside the item, and ends with the next line at the margin."""

    def begins(self, line: str) -> bool:
        """Whether `line`, complete, begins a new top-level block."""
        if self.fence or self.unsure or not line.strip():
            return False
        if self.closed or _HEADING.match(line) or fence_of(line):
            return True
        return self.blank and line[0] not in " \t" and _LIST_ITEM.match(line) is None

    def after(self, line: str) -> Seen:
        """What is known once `line` has come."""
        if self.fence:
            closes = re.fullmatch(rf" {{0,3}}{re.escape(self.fence[0])}{{{len(self.fence)},}}[ \t]*", line) is not None
            return Seen(closed=True) if closes else self
        if self.unsure:
            return Seen(unsure=True)
        if not line.strip():
            return replace(self, blank=True, closed=False)
        if fence := fence_of(line):
            return Seen(fence=fence)
        if line[0] in " \t>":
            deeper = _FENCED_DEEPER.match(line)
            if deeper is not None and not (self.item and deeper[1] == " " * len(deeper[1]) and len(deeper[1]) >= len(self.item)):
                return Seen(unsure=True)
            return Seen(item=self.item if line[0] != ">" else "")
        return Seen(item=self._item(line))

    def _item(self, line: str) -> str:
        """The marker that `line`, at the left margin, begins an item with; empty where it certainly begins none."""
        found = _WRITTEN_ITEM.match(line)
        if found is None or _RULE.match(line):
            return ""
        # A number other than 1 does not interrupt a paragraph: only after its own kind, or an empty line, is it an item.
        same_kind = self.item.rstrip()[-1:] == found[1][-1]
        return found[0] if found[2] is None or int(found[2]) == 1 or self.blank or same_kind else ""


def fence_of(line: str) -> str:
    """The fence that `line` opens at the left margin; empty where it opens none."""
    opens = _FENCE.match(line)
    return opens[2] if opens is not None and not opens[1] else ""
