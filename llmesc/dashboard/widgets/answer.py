"""The answer as it comes: one block for each attempt, only what is visible drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.app import ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from llmesc.dashboard.keys import LIST_KEYS
from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.wrapping import Wrapped
from llmesc.escalation.events import ProviderSwitched
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.width import cut


@dataclass(slots=True)
class _Block:
    """What one attempt wrote, under the line that says who it is and why it was called."""

    title: str
    lines: Wrapped
    struck: bool = False


class AnswerText(ScrollView, can_focus=True):
    """The blocks of one run. It follows the end until it is scrolled up, and again from the end on."""

    BINDINGS: ClassVar = list(LIST_KEYS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"answer--title", "answer--struck"}
    DEFAULT_CSS = """
    AnswerText { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    AnswerText > .answer--title { color: $text-muted; text-style: bold; }
    AnswerText > .answer--struck { color: $text-muted; text-style: dim strike; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._run_id = ""
        self._blocks: list[_Block] = []
        self._view: RunView | None = None
        self.following = True

    def show(self, view: RunView | None) -> None:
        """Draws what is new of `view`; another run begins anew."""
        width = self.scrollable_content_region.width
        run_id = view.run_id if view is not None else ""
        shrunk = view is None or len(view.attempts) < len(self._blocks)  # a replay that went back
        if run_id != self._run_id or shrunk or any(block.lines.width != max(width, 2) for block in self._blocks):
            self._run_id, self._blocks = run_id, []
        if view is self._view and self._blocks:
            return
        self._view = view
        for index, attempt in enumerate(view.attempts if view is not None else ()):
            if index == len(self._blocks):
                self._blocks.append(_Block(_title(attempt, view), Wrapped(width)))
            block = self._blocks[index]
            block.struck = attempt.discarded or attempt.failure is not None
            block.lines.grow(attempt.shown)
        self.virtual_size = Size(0, sum(len(block.lines) + 1 for block in self._blocks))
        if self.following:
            self.scroll_end(animate=False, immediate=True)
        self.refresh()

    def follow(self) -> None:
        """To the end, and on with it."""
        self.following = True
        self.scroll_end(animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """A title, or a line of a block."""
        width = self.scrollable_content_region.width
        index = int(self.scroll_offset.y) + y
        for block in self._blocks:
            if index == 0:
                title = cut(f"── {block.title} " + "─" * width, width).rstrip("…")
                return self._strip(title, self.get_component_rich_style("answer--title", partial=True), width)
            if index <= len(block.lines):
                struck = self.get_component_rich_style("answer--struck", partial=True) if block.struck else None
                return self._strip(block.lines[index - 1], struck, width)
            index -= len(block.lines) + 1
        return Strip.blank(width, self.rich_style)

    def _strip(self, text: str, style: RichStyle | None, width: int) -> Strip:
        base = self.rich_style
        return Strip([Segment(text, base if style is None else base + style)]).adjust_cell_length(width, base)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls up does not want to be taken to the end; whoever is at the end does."""
        super().watch_scroll_y(old_value, new_value)
        self.following = new_value >= self.max_scroll_y

    def action_move(self, by: int) -> None:
        """Down (or up, where negative) by so many lines."""
        self.scroll_relative(y=by, animate=False)

    def action_page(self, pages: float) -> None:
        """Down or up by so much of the height."""
        self.scroll_relative(y=round(pages * max(self.size.height - 1, 1)), animate=False)

    def action_end(self, first: bool) -> None:
        """To the beginning or the end."""
        self.scroll_to(y=0 if first else self.max_scroll_y, animate=False)


def _title(attempt: AttemptView, view: RunView | None) -> str:
    """Who it is, and what took the turn to it."""
    switch = _switch_to(attempt, view)
    because = "" if switch is None else f" · switched: {words.plain_words(switch.because)}"
    return one_line(f"{words.who(attempt.resolution)}{because}")


def _switch_to(attempt: AttemptView, view: RunView | None) -> ProviderSwitched | None:
    """The last switch to that candidate before it began; the first attempt of all follows none."""
    switches = view.switches if view is not None and attempt.attempt > 1 else ()
    before = [one for one in switches if one.to_resolution == attempt.resolution and one.elapsed_ms <= attempt.started_ms]
    return before[-1] if before else None


class AnswerPane(Pane):
    """What the attempts of one run wrote."""

    BORDER_TITLE = "3 Answer"

    def compose(self) -> ComposeResult:
        """The text."""
        yield AnswerText()

    def show(self, view: RunView | None) -> None:
        """Of that run."""
        self._view = view
        text = self.query_one(AnswerText)
        text.show(view)
        self.border_subtitle = "" if text.following else "scrolled; end follows"

    def follow(self) -> None:
        """To the end, and on with it."""
        self.query_one(AnswerText).follow()

    def answer_text(self) -> str:
        """The accepted answer, or what there is of one."""
        view: RunView | None = getattr(self, "_view", None)
        if view is None:
            return ""
        return view.answer.text if view.answer is not None else view.attempts[-1].shown if view.attempts else ""
