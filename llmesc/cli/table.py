"""Tables: aligned for eyes, tab-separated for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmesc.cli.style import Style, paint
from llmesc.escalation.untrusted import safe

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A title, and on which side the cells stand."""

    title: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with a style for terminals, and what programs read instead where people read a shorter form."""

    text: str
    style: Style = "plain"
    raw: str | None = None


Row = Sequence[Cell | str]


def tab_separated(rows: Iterable[Row]) -> str:
    """One line a row, nothing cut; white space inside a cell is folded, so that tabs and newlines separate only."""
    return "".join("\t".join(_program_text(cell) for cell in row) + "\n" for row in rows)


def aligned(columns: Sequence[Column], rows: Sequence[Row], *, width: int, colour: bool) -> str:
    """The table in plain aligned text; only the last column is cut to fit `width`."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    texts = [[_folded(cell.text) for cell in row] for row in cells]
    widths = [
        max(display_width(text) for text in (column.title, *(row[index] for row in texts)))
        for index, column in enumerate(columns)
    ]
    before_last = sum(widths[:-1]) + len(_GAP) * (len(columns) - 1)
    widths[-1] = min(widths[-1], max(width - before_last, 10))

    def line(texts: Sequence[str], styles: Sequence[Style]) -> str:
        padded = [
            _padded(cut(text, room), room, right=column.right) for text, room, column in zip(texts, widths, columns, strict=True)
        ]
        return _GAP.join(paint(text, style, colour) for text, style in zip(padded, styles, strict=True)).rstrip()

    head = line([column.title.upper() for column in columns], ["dim"] * len(columns))
    body = [line(row, [cell.style for cell in styled]) for row, styled in zip(texts, cells, strict=True)]
    return "\n".join((head, *body)) + "\n"


def display_width(text: str) -> int:
    """Columns of a terminal that `text` takes: wide characters two, combining ones none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, width: int) -> str:
    """`text`, cut to `width` columns of a terminal, with an ellipsis where something is missing."""
    if display_width(text) <= width:
        return text
    while text and display_width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _cell(cell: Cell | str) -> Cell:
    return Cell(cell) if isinstance(cell, str) else cell


def _folded(text: str) -> str:
    return " ".join(safe(text).split())


def _program_text(cell: Cell | str) -> str:
    made = _cell(cell)
    return _folded(made.text if made.raw is None else made.raw)


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if right else text + space
