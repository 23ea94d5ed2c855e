"""A list of any length: only the rows that are visible are made, and the cursor stays with its row wherever that moves to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from llmesc.dashboard.keys import LIST_KEYS
from llmesc.dashboard.widgets.scrolled import Scrolled
from llmesc.dashboard.widgets.visible import VisibleLines
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.untrusted import one_line
from llmesc.story.style import Style
from llmesc.story.width import cut, display_width

_GAP = 1
"""Columns of the terminal between two cells."""


@dataclass(frozen=True, slots=True)
class Column:
    """A title, how many columns of the terminal it takes, and how much it is worth keeping where there are too few."""

    title: str
    width: int
    right: bool = False
    keep: int = 0
    """Columns with a larger number go first where there is no room. One with a `width` of 0 takes what is left, and stays."""
    least: int = 16
    """Of a column that takes what is left: so much it gets before others are kept."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text from anywhere, and how it looks."""

    text: str
    style: Style = "plain"


class Rows(Scrolled, can_focus=True):
    """Rows known by keys. `show` gives the keys in order and how to make the cells of one."""

    BINDINGS: ClassVar[list[BindingType]] = list(LIST_KEYS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--title",
        "rows--cursor",
        "rows--dim",
        "rows--good",
        "rows--bad",
        "rows--doubtful",
        "rows--strong",
    }
    DEFAULT_CSS = """
    Rows { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    Rows > .rows--title { text-style: dim bold; }
    Rows > .rows--cursor { background: $surface-lighten-2; }
    Rows:focus > .rows--cursor { background: $primary; color: $text; text-style: bold; }
    Rows > .rows--dim { text-style: dim; }
    Rows > .rows--good { color: $text-success; }
    Rows > .rows--bad { color: $text-error; }
    Rows > .rows--doubtful { color: $text-warning; }
    Rows > .rows--strong { text-style: bold; }
    """

    class Moved(Message):
        """The cursor stands on another row; `key` is None where there is none."""

        def __init__(self, rows: Rows, key: str | None, *, by_hand: bool) -> None:
            super().__init__()
            self.rows = rows
            self.key = key
            self.by_hand = by_hand
            """Whether the user moved it, rather than a row that came or went."""

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    class Opened(Message):
        """A second click on a row: what Enter does."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    def __init__(self, columns: Sequence[Column], *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty
        self._keys: Sequence[str] = ()
        self._cells: Callable[[str], Sequence[Cell]] = lambda _: ()
        self._index: dict[str, int] = {}
        self._visible = VisibleLines()
        self.cursor: str | None = None
        """The key of the row the cursor stands on."""

    def show(self, keys: Sequence[str], cells: Callable[[str], Sequence[Cell]], *, empty: str | None = None) -> None:
        """Draws these rows; the cursor stays on its key, or goes to the row that took its place."""
        before = self._index.get(self.cursor) if self.cursor is not None else None
        if keys is not self._keys:
            self._keys = keys
            self._index = {key: index for index, key in enumerate(keys)}
            self.virtual_size = Size(0, len(keys) + 1)
        self._cells = cells
        self._empty = self._empty if empty is None else empty
        if self.cursor not in self._index:
            self._stand_on(min(before or 0, len(keys) - 1), by_hand=False)
        elif before is not None and self._index[self.cursor] != before:
            self._keep_in_sight()
        self._visible.refresh(self, [self._at(y) for y in range(self.size.height)])

    def _at(self, y: int) -> object:
        """What decides how line `y` looks."""
        index = int(self.scroll_offset.y) + y - 1
        if y == 0 or index >= len(self._keys):
            return self._empty if y == 1 and not self._keys else None
        key = self._keys[index]
        return key == self.cursor, *self._cells(key)

    def move_to(self, key: str) -> None:
        """The cursor goes to `key`, where that is listed."""
        if key in self._index:
            self._stand_on(self._index[key], by_hand=False)

    def render_line(self, y: int) -> Strip:
        """The titles, or a row."""
        width = self.scrollable_content_region.width
        if y == 0:
            return self._line([Cell(column.title, "dim") for column in self._columns], self._style("rows--title"), width)
        index = int(self.scroll_offset.y) + y - 1
        if index >= len(self._keys):
            if y == 1 and not self._keys and self._empty:
                return Strip([Segment(cut(self._empty, width), self._style("rows--dim"))]).adjust_cell_length(
                    width, self.rich_style
                )
            return Strip.blank(width, self.rich_style)
        key = self._keys[index]
        under = self._style("rows--cursor") if key == self.cursor else None
        return self._line(self._cells(key), under, width)

    def _line(self, cells: Sequence[Cell], under: RichStyle | None, width: int) -> Strip:
        base = self.rich_style + under if under is not None else self.rich_style
        segments: list[Segment] = []
        for index, room in _rooms(self._columns, width).items():
            if index >= len(cells):
                continue
            column, cell = self._columns[index], cells[index]
            text = cut(one_line(cell.text, 500), room)
            space = " " * (room - display_width(text))
            style = base if cell.style == "plain" else base + self._style(f"rows--{cell.style}")
            if under is not None and self.has_focus:
                style = base
            segments.append(Segment(space + text if column.right else text + space, style))
            segments.append(Segment(" " * _GAP, base))
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> RichStyle:
        return self.get_component_rich_style(name, partial=name != "rows--cursor")

    # -- moving ---------------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Down (or up, where negative) by so many rows."""
        here = self._index.get(self.cursor, 0) if self.cursor is not None else 0
        self._stand_on(here + by, by_hand=True)

    def action_page(self, pages: float) -> None:
        """Down or up by so much of the height."""
        self.action_move(round(pages * max(self.size.height - 1, 1)))

    def action_end(self, first: bool) -> None:
        """To the first or the last row."""
        self._stand_on(0 if first else len(self._keys) - 1, by_hand=True)

    def on_click(self, event: events.Click) -> None:
        """A click chooses; on the chosen row it opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        index = int(self.scroll_offset.y) + offset.y - 1
        if index < len(self._keys):
            if event.chain == 2 and self._keys[index] == self.cursor:
                self.post_message(self.Opened(self, self._keys[index]))
            else:
                self._stand_on(index, by_hand=True)

    def on_resize(self) -> None:
        """The rows take the new width."""
        self.virtual_size = Size(0, len(self._keys) + 1)
        self._keep_in_sight()

    def _stand_on(self, index: int, *, by_hand: bool) -> None:
        index = max(0, min(index, len(self._keys) - 1))
        key = self._keys[index] if self._keys else None
        moved = key != self.cursor
        self.cursor = key
        if moved:
            # Textual stops a message at the parent that made it: without its sender, one made in a pane's handler ends there.
            self.post_message(self.Moved(self, key, by_hand=by_hand).set_sender(self))
            self._keep_in_sight()
            self.refresh()

    def _keep_in_sight(self) -> None:
        index = self._index.get(self.cursor) if self.cursor is not None else None
        height = self.size.height - 1
        if index is None or height <= 0:
            return
        top = int(self.scroll_offset.y)
        wanted = min(max(top, index - height + 1), index)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)


def _rooms(columns: Sequence[Column], width: int) -> dict[int, int]:
    """How many columns of the terminal each cell gets, by index; one that is missing has no room."""
    kept = dict(enumerate(columns))
    flexible = next((index for index, column in kept.items() if column.width == 0), None)
    least = columns[flexible].least if flexible is not None else 0

    def taken() -> int:
        return sum(column.width + _GAP for column in kept.values()) + least - _GAP

    while taken() > width:
        droppable = [index for index, column in kept.items() if column.keep]
        if not droppable:
            break
        del kept[max(droppable, key=lambda index: kept[index].keep)]
    rooms = {index: column.width for index, column in kept.items()}
    if flexible is not None:
        others = sum(room + _GAP for index, room in rooms.items() if index != flexible)
        rooms[flexible] = max(width - others, 1)
    return rooms
