"""All lines of the answer pane: the blocks of one run, under rules that say what took the turn from one to the next."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field
from typing import NamedTuple

from llmesc.dashboard.answering.blocks import Block, blocks
from llmesc.dashboard.answering.sections import Format, Section
from llmesc.dashboard.markdown.spans import Line, Span
from llmesc.dashboard.wrapping import wrapped
from llmesc.escalation.fold import RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.story.style import Style
from llmesc.story.tell import switch_rule
from llmesc.story.width import display_width

WHOLE_RULE = 1_000
"""Columns that every rule has its place in: one that is longer than the pane is wide takes two lines."""


class Drawn(NamedTuple):
    """One line, and what it belongs to."""

    line: Line
    style: Style = "plain"
    title: bool = False
    struck: bool = False
    dim: bool = False


@dataclass(slots=True)
class _Shown:
    """One block that is shown."""

    block: Block
    head: tuple[Drawn, ...] = ()
    sections: list[Section] = field(default_factory=list)


class AnswerLines:
    """The lines of one run in one format; `show` again and again as it grows."""

    def __init__(self, form: Format, *, unfolded: bool = False) -> None:
        self.form = form
        self.unfolded = unfolded
        """Whether thinking and tools are open where nobody said otherwise."""
        self._toggled: set[tuple[int, str, int]] = set()
        """By attempt, kind and start: what was opened or closed by hand."""
        self._shown: list[_Shown] = []
        self._parts: list[tuple[_Shown, Section | None]] = []
        self._starts: list[int] = []
        """The first line of each part."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Drawn:
        """The line, from 0; an empty one behind the last."""
        if not 0 <= index < self._count:
            return Drawn(())
        part = bisect_right(self._starts, index) - 1
        shown, section = self._parts[part]
        index -= self._starts[part]
        if section is None:
            return shown.head[index]
        if index == len(section):
            return Drawn(())
        if section.folds:
            return Drawn(section[index])
        held = section.kind == "held"
        return Drawn(section[index], struck=shown.block.struck and not (held and index == 0), dim=held)

    def show(self, view: RunView, allowance: int) -> bool:
        """Draws what is new of `view`, of about `allowance` characters; whether that is all there is."""
        left = allowance
        planned = blocks(view)
        del self._shown[len(planned) :]
        for number, block in enumerate(planned):
            if number == len(self._shown):
                self._shown.append(_Shown(block))
            shown = self._shown[number]
            if shown.block != block or not shown.head:
                shown.head = self._head(block, first=number == 0)
            shown.block = block
            left = self._grow(shown, left, self._text_before(number) if block.goes_on else None)
        self._lay()
        return left > 0

    def toggle_all(self) -> None:
        """Opens all that is folded, or folds all where nothing is."""
        sections = [section for shown in self._shown for section in shown.sections if section.folds]
        self.unfolded = any(not section.is_open for section in sections) if sections else not self.unfolded
        self._toggled = set()
        for section in sections:
            section.is_open = self.unfolded

    def toggle_at(self, index: int) -> bool:
        """Opens or folds what line `index` is the heading of; whether it is one."""
        part = bisect_right(self._starts, index) - 1
        if part < 0 or index != self._starts[part]:
            return False
        shown, section = self._parts[part]
        if section is None or not section.folds:
            return False
        section.is_open = not section.is_open
        self._toggled ^= {(shown.block.attempt, section.kind, section.start)}
        return True

    def same_choices(self, other: AnswerLines) -> None:
        """What is open here as it is in `other`."""
        self.unfolded, self._toggled = other.unfolded, set(other._toggled)

    def _text_before(self, number: int) -> Section | None:
        """The text that the text of a block goes on from."""
        before = [section for shown in self._shown[:number] for section in shown.sections if not section.folds]
        return before[-1] if before else None

    def _grow(self, shown: _Shown, left: int, after: Section | None) -> int:
        sections = shown.sections
        for number, entry in enumerate(shown.block.entries):
            if number < len(sections) and not sections[number].same_as(entry):
                del sections[number:]
            if number == len(sections):
                if left <= 0:
                    break  # what it may go on from is not drawn to its end
                key = (shown.block.attempt, entry.kind, entry.start)
                is_open = self.unfolded != (key in self._toggled)
                goes_on = after if entry.kind in ("text", "held") and entry.start == 0 else None
                sections.append(Section(entry, self.form, is_open=is_open, after=goes_on))
            left -= sections[number].show(entry, max(left, 0))
        del sections[len(shown.block.entries) :]
        return left

    def _lay(self) -> None:
        """Counts the lines anew."""
        self._parts, self._starts, at = [], [], 0
        for shown in self._shown:
            self._parts.append((shown, None))
            self._starts.append(at)
            at += len(shown.head)
            for number, section in enumerate(shown.sections):
                self._parts.append((shown, section))
                self._starts.append(at)
                at += len(section)
                following = shown.sections[number + 1] if number + 1 < len(shown.sections) else None
                if following is not None and not (section.folds and following.folds):
                    at += 1  # an empty line between text and what is folded
        self._count = at

    def _head(self, block: Block, *, first: bool) -> tuple[Drawn, ...]:
        """The rule that says what took the turn to it, and its title; nothing of them is cut."""
        lines: list[Drawn] = [] if first else [Drawn(())]
        if block.switch is None:
            return (*lines, *self._ruled(f"── {block.title} ──", style=block.style, title=True))
        lines += self._ruled(switch_rule(block.switch, WHOLE_RULE), style="doubtful", title=False)
        title = wrapped(block.title, self.form.width)
        return (*lines, *(Drawn((Span(line),), style=block.style, title=True) for line in title))

    def _ruled(self, text: str, *, style: Style, title: bool) -> list[Drawn]:
        """Lines of `text`, the last of them a rule to the end."""
        *before, last = wrapped(text, self.form.width)
        last += "─" * (self.form.width - display_width(last))
        return [Drawn((Span(line),), style=style, title=title) for line in (*before, last)]
