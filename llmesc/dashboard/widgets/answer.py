"""The answer as it comes: one block for each attempt, only what is visible drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from llmesc.dashboard.answering.lines import AnswerLines, Drawn
from llmesc.dashboard.answering.sections import Format
from llmesc.dashboard.bindings import bindings
from llmesc.dashboard.keys import LIST_KEYS
from llmesc.dashboard.markdown.spans import Look
from llmesc.dashboard.widgets.answer_style import CLASSES, CSS, classes_of
from llmesc.dashboard.widgets.pane import Pane
from llmesc.dashboard.widgets.scrolled import Scrolled
from llmesc.dashboard.widgets.visible import VisibleLines
from llmesc.escalation.fold import RunView

FRAME_CHARACTERS = 6_000
"""Drawn at a time: some 20 ms of CPU. What is more (a long answer that is chosen, or wrapped again) follows a moment later."""

CATCH_UP_SECONDS = 0.01
"""Between two such parts, so that keys are looked at."""


class AnswerText(Scrolled, can_focus=True):
    """The blocks of one run. It follows the end until it is scrolled up, and again from the end on."""

    BINDINGS: ClassVar[list[BindingType]] = list(LIST_KEYS)
    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    DEFAULT_CSS = CSS

    class Followed(Message):
        """It began to follow the end, or left off."""

    def __init__(self) -> None:
        super().__init__()
        self._run_id = ""
        self._view: RunView | None = None
        self._drawn: RunView | None = None
        """The newest view of which nothing waits to be drawn."""
        self._lines = AnswerLines(Format(2, markdown=True))
        self._fresh: AnswerLines | None = None
        """The same in another width or format, until all of it is drawn and takes the place of the old."""
        self._looks: dict[tuple[str, ...], RichStyle] = {}
        self._rest: Timer | None = None
        self._visible = VisibleLines()
        self.markdown = True
        self.following = True

    @property
    def _newest(self) -> AnswerLines:
        return self._lines if self._fresh is None else self._fresh

    @property
    def all_drawn(self) -> bool:
        """Whether nothing of the run waits to be drawn."""
        return self._rest is None

    def show(self, view: RunView | None) -> None:
        """Draws what is new of `view`; another run begins anew."""
        if not (width := self.scrollable_content_region.width):
            self._view = view  # there is no room yet; with it comes a resize
            return
        form = Format(width, self.markdown)
        run_id = view.run_id if view is not None else ""
        if run_id != self._run_id or view is None:
            unfolded = self._lines.unfolded
            self._run_id, self._lines, self._fresh = run_id, AnswerLines(form, unfolded=unfolded), None
            self.following = True
        elif self._newest.form != form:
            fresh = AnswerLines(form)
            fresh.same_choices(self._lines)
            if len(self._lines):
                self._fresh = fresh
            else:
                self._lines = fresh
        elif view is self._drawn:
            return
        self._view = view
        if self._rest is None:
            self._draw()

    def toggle_markdown(self) -> bool:
        """Markdown or plain text; whether it is Markdown now."""
        self.markdown = not self.markdown
        self.show(self._view)
        return self.markdown

    def toggle_folds(self) -> None:
        """Opens thinking and tools, or folds them."""
        self._lines.toggle_all()
        self._refold()

    def follow(self) -> None:
        """To the end, and on with it."""
        self.following = True
        self._keep_at_the_end()

    def _keep_at_the_end(self) -> None:
        if self.following:
            # Forced: the scroll bar, without which Textual scrolls nothing, comes only with the next layout.
            self.scroll_end(animate=False, immediate=True, force=True)

    def _refold(self) -> None:
        self._drawn = None
        if self._fresh is not None:
            self._fresh = AnswerLines(self._fresh.form)
            self._fresh.same_choices(self._lines)
        if self._rest is None:
            self._draw()

    def _draw(self) -> None:
        """Draws a part of what is new, and sees to it that the rest follows."""
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        if self._view is not None:
            drawn = self._newest.show(self._view, FRAME_CHARACTERS)
            self._drawn = self._view if drawn else None
            if not drawn:
                self._rest = self.set_timer(CATCH_UP_SECONDS, self._draw)
            elif self._fresh is not None:
                self._take_fresh(self._fresh)
        self.virtual_size = Size(0, len(self._lines))
        self._keep_at_the_end()
        top = int(self.scroll_offset.y)
        self._visible.refresh(self, [self._lines[top + y] for y in range(self.size.height)])

    def _take_fresh(self, fresh: AnswerLines) -> None:
        before, self._lines, self._fresh = len(self._lines), fresh, None
        if not self.following:
            # The same part of the text, more or less; the virtual size first, or there is nothing to scroll in.
            self.virtual_size = Size(0, len(fresh))
            self.scroll_to(y=self.scroll_offset.y * len(fresh) // max(before, 1), animate=False, immediate=True, force=True)

    # -- lines ----------------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """A rule, a title, or a line of a block."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        drawn = self._lines[int(self.scroll_offset.y) + y]
        segments = [Segment(text, self._style(drawn, look)) for text, look in drawn.line]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, drawn: Drawn, look: Look) -> RichStyle:
        classes = classes_of(drawn, look)
        if classes not in self._looks:
            style = self.rich_style
            for name in classes:
                style += self.get_component_rich_style(name, partial=True)
            self._looks[classes] = style
        return self._looks[classes]

    def notify_style_update(self) -> None:
        """Another theme, or the focus: every look is made anew."""
        super().notify_style_update()
        self._looks = {}

    def on_resize(self) -> None:
        """The text takes the new width, and is followed in the new height."""
        self.show(self._view)
        self._keep_at_the_end()

    # -- moving ---------------------------------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls up does not want to be taken to the end; whoever is at the end does."""
        super().watch_scroll_y(old_value, new_value)
        following = new_value >= self.max_scroll_y
        if following != self.following:
            self.following = following
            self.post_message(self.Followed())

    def on_click(self, event: events.Click) -> None:
        """A click on a folded line opens it."""
        offset = event.get_content_offset(self)
        if offset is not None and self._lines.toggle_at(int(self.scroll_offset.y) + offset.y):
            self._refold()

    def action_move(self, by: int) -> None:
        """Down (or up, where negative) by so many lines."""
        self.scroll_relative(y=by, animate=False)

    def action_page(self, pages: float) -> None:
        """Down or up by so much of the height."""
        self.scroll_relative(y=round(pages * max(self.size.height - 1, 1)), animate=False)

    def action_end(self, first: bool) -> None:
        """To the beginning or the end."""
        self.scroll_to(y=0 if first else self.max_scroll_y, animate=False)


class AnswerPane(Pane):
    """What the attempts of one run wrote."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("answer")
    BORDER_TITLE = "3 Answer"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None

    def compose(self) -> ComposeResult:
        """The text."""
        yield AnswerText()

    def show(self, view: RunView | None) -> None:
        """Of that run."""
        self._view = view
        self._text.show(view)
        self._say_how()

    def on_answer_text_followed(self) -> None:
        """It was scrolled."""
        self._say_how()

    def follow(self) -> None:
        """To the end, and on with it."""
        self._text.follow()
        self._say_how()

    def toggle_markdown(self) -> bool:
        """Markdown or plain text; whether it is Markdown now."""
        markdown = self._text.toggle_markdown()
        self._say_how()
        return markdown

    def toggle_folds(self) -> None:
        """Opens thinking and tools, or folds them."""
        self._text.toggle_folds()

    def answer_text(self) -> str:
        """The accepted answer, or what there is of one, as it was written."""
        view = self._view
        if view is None:
            return ""
        if view.answer is not None:
            return view.answer.text
        return view.turn.shown if view.turn is not None else ""

    @property
    def _text(self) -> AnswerText:
        return self.query_one(AnswerText)

    def _say_how(self) -> None:
        told = ["" if self._text.markdown else "plain", "" if self._text.following else "scrolled; end follows"]
        self.say_below(" · ".join(filter(None, told)))
