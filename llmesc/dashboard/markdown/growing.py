"""Markdown that grows: whole blocks are drawn once, and only what may still change is looked at again."""

from __future__ import annotations

from llmesc.dashboard.markdown.boundary import Seen
from llmesc.dashboard.markdown.cuts import Cut, cut
from llmesc.dashboard.markdown.heal import healed_line
from llmesc.dashboard.markdown.render import render
from llmesc.dashboard.markdown.spans import Line
from llmesc.dashboard.markdown.visible import cleaned

LONGEST_PIECE = 2_000
"""Characters; a block without an end is settled in parts of about so many, and no frame looks at more of them twice."""


class GrowingMarkdown:
    """The lines of one growing text. However it comes, they are those of the whole: where it is cut depends on the text alone."""

    def __init__(self, width: int, *, carry: str = "", longest: int = LONGEST_PIECE) -> None:
        """`carry`: what `carry_on` said of a text that this one goes on from."""
        self.width = max(width, 2)
        self.parsed = 0
        """Characters of source that were drawn so far, those that were drawn again counted again: the work that was done."""
        self._longest = longest
        self._settled: list[Line] = []
        self._tail: list[Line] = []
        self._carry = carry
        self._lines: list[str] = []
        """Whole lines that are not settled, made safe to show."""
        self._size = 0
        """Their characters."""
        self._rest = ""
        """What was drawn last of a line that is not at its end."""
        self._seen = _seen_in(Cut(0, carry))
        self._at = 0
        """Characters of the text that were taken."""
        self._shown: tuple[int, bool] = (0, False)

    def __len__(self) -> int:
        return len(self._settled) + len(self._tail)

    def __getitem__(self, index: int) -> Line:
        known = len(self._settled)
        return self._settled[index] if index < known else self._tail[index - known]

    def grow(self, text: str, *, ended: bool, allowance: int) -> int:
        """`text` is what it was, and more; `ended`: nothing follows, so that nothing half-written is completed.

        Takes about `allowance` characters and says how many it took: fewer than that, and all of it is drawn.
        """
        if self._shown == (len(text), ended):
            return 0
        began = self._at
        while self._at - began < allowance:
            end = text.find("\n", self._at, self._at + self._longest)
            if end >= 0:
                self._take(cleaned(text[self._at : end]))
                self._at = end + 1
            elif len(text) - self._at >= self._longest:
                self._take_part(text)
            else:
                rest = cleaned(text[self._at :])
                self._rest = rest
                source = self._source(self._lines) + rest
                self._tail = self._drawn(source if ended else self._healed(source, rest), half=not ended)
                self._shown = (len(text), ended)
                return self._at - began
        self._tail = []
        return self._at - began

    def carry_on(self) -> str:
        """What a text that goes on from the end of this one is to be read behind: the fence, list or table that is open there."""
        source = self._source(self._lines) + self._rest
        return cut(source, longest=0, mid_line=bool(self._rest)).carry if source.strip() else ""

    def _healed(self, source: str, rest: str) -> str:
        """`source`, whose last line `rest` is not at its end."""
        if self._seen.fence:
            closes = rest and not rest.strip(self._seen.fence[0])  # the fence that will close it
            return source.removesuffix(rest) if closes else source
        return source if self._seen.unsure else "\n".join(healed_line(source.split("\n")))

    def _take(self, line: str) -> None:
        """One more whole line."""
        if self._lines and self._seen.begins(line):
            self._settle(self._source(self._lines), [], Cut(0))
        # What goes on with a line that was cut cannot begin a block.
        self._seen = self._seen.after(line if self._lines else self._carry.rpartition("\n")[2] + line)
        self._lines.append(line)
        self._size += len(line) + 1
        if self._size >= self._longest:
            source = self._source(self._lines)
            at = self._cut(source, mid_line=False)
            lines = source.split("\n")
            self._settle("\n".join([*lines[: at.line], ""]), lines[at.line : -1], at)

    def _take_part(self, text: str) -> None:
        """The beginning of a line that has no end: up to a space, or to anywhere."""
        space = text.rfind(" ", self._at + self._longest // 2, self._at + self._longest)
        end = space + 1 if space >= 0 else self._at + self._longest
        source = self._source([*self._lines, cleaned(text[self._at : end])]).removesuffix("\n")
        self._at = end
        self._settle(source, [], self._cut(source, mid_line=True))

    def _cut(self, source: str, *, mid_line: bool) -> Cut:
        self.parsed += len(source)
        return cut(source, longest=self._longest // 2, mid_line=mid_line)

    def _settle(self, source: str, rest: list[str], at: Cut) -> None:
        """Draws `source` once and for all, and takes `rest` again, behind what the cut carries."""
        self._settled += self._drawn(source, half=False)
        self._carry, self._lines, self._size = at.carry, [], 0
        self._seen = _seen_in(at)
        for line in rest:
            self._take(line)

    def _source(self, lines: list[str]) -> str:
        return self._carry + "".join(f"{line}\n" for line in lines)

    def _drawn(self, source: str, *, half: bool) -> list[Line]:
        self.parsed += len(source)
        drawn = render(source, self.width, half=half)
        return drawn if self._settled or not drawn or drawn[0] else drawn[1:]


def _seen_in(at: Cut) -> Seen:
    """What is known of the lines that stand behind what a cut carries."""
    return Seen(fence=at.fence, unsure=at.deep)
