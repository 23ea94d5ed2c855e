"""Where a new top-level block certainly begins, told from single lines: cheap, and right whatever comes after."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
_FENCED_DEEPER = re.compile(r"[ \t>]+(?:`{3,}|~{3,})|(?:[-+*]|\d{1,9}[.)])[ \t].*(?:`{3,}|~{3,})")
_LIST_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
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

    def begins(self, line: str) -> bool:
        """Whether `line`, complete, begins a new top-level block."""
        if self.fence or self.unsure or not line.strip():
            return False
        if self.closed or _HEADING.match(line):
            return True
        opens = _FENCE.match(line)
        if opens is not None and not opens[1]:
            return True
        return self.blank and line[0] not in " \t" and _LIST_ITEM.match(line) is None

    def after(self, line: str) -> Seen:
        """What is known once `line` has come."""
        blank = not line.strip()
        if self.fence:
            closes = re.fullmatch(rf" {{0,3}}{re.escape(self.fence[0])}{{{len(self.fence)},}}[ \t]*", line) is not None
            return Seen(closed=True) if closes else self
        if self.unsure:
            return Seen(unsure=True)
        opens = _FENCE.match(line)
        if opens is not None and not opens[1]:
            return Seen(fence=opens[2])
        return Seen(unsure=opens is not None or _FENCED_DEEPER.match(line) is not None, blank=blank)


def fence_of(line: str) -> str:
    """The fence that `line` opens at the left margin; empty where it opens none."""
    opens = _FENCE.match(line)
    return opens[2] if opens is not None and not opens[1] else ""
