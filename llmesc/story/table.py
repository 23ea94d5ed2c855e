"""Tables: aligned for eyes, tab-separated for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.untrusted import safe
from llmesc.story.style import Style, paint
from llmesc.story.width import cut, display_width, wrapped

_GAP = "  "
_LEAST = 11
"""Columns of the terminal that a cut column keeps however narrow it is."""

_LEAST_LINE = 20
"""Of a last column that goes on below itself: with less room than that, the terminal may break it as it likes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A title, and on which side the cells stand."""

    title: str
    right: bool = False
    spare: int = 0
    """Left out where the table is cut to a width that is too narrow for it: the highest first, and 0 never."""


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


def aligned(
    columns: Sequence[Column], rows: Sequence[Row], *, colour: bool, width: int | None = None, wraps: bool = False
) -> str:
    """The table in plain aligned text, without the columns that say nothing; cut to fit `width`, if given, or (`wraps`) whole,
    with what the last column has no room for below it.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    texts = [[_folded(cell.text) for cell in row] for row in cells]
    kept = [index for index in range(len(columns)) if index == 0 or any(row[index] for row in texts)]
    widths = {index: max(map(display_width, (columns[index].title, *(row[index] for row in texts)))) for index in kept}
    if width is not None:
        widths = _without_spare(widths, columns, width)
        widths = widths if wraps else _fitted(widths, width)
    kept = list(widths)
    last = kept[-1]
    before = sum(widths[index] + len(_GAP) for index in kept[:-1])
    room = width - before if width is not None and wraps and width - before >= _LEAST_LINE else widths[last]

    def line(texts: Sequence[str], styles: Sequence[Style]) -> str:
        cells = [_padded(cut(texts[index], widths[index]), widths[index], right=columns[index].right) for index in kept]
        first, *more = [cells[-1]] if columns[last].right else wrapped(cut(texts[last], widths[last]), room)
        painted = [paint(cell, styles[index], colour) for index, cell in zip(kept, (*cells[:-1], first), strict=True)]
        below = [" " * before + paint(part, styles[last], colour) for part in more]
        return "\n".join((_GAP.join(painted).rstrip(), *below))

    head = line([column.title.upper() for column in columns], ["dim"] * len(columns))
    body = [line(row, [cell.style for cell in styled]) for row, styled in zip(texts, cells, strict=True)]
    return "\n".join((head, *body)) + "\n"


def _without_spare(widths: dict[int, int], columns: Sequence[Column], width: int) -> dict[int, int]:
    """Without as many spare columns as it takes for the others to have room, however short they are cut."""
    left = dict(widths)
    first = next(iter(left))
    for index in sorted((index for index in left if columns[index].spare), key=lambda index: -columns[index].spare):
        needed = sum(least if at == first else min(least, _LEAST) for at, least in left.items()) + len(_GAP) * (len(left) - 1)
        if needed <= width:
            break
        del left[index]
    return left


def _fitted(widths: dict[int, int], width: int) -> dict[int, int]:
    """Narrower columns, where they take more than `width` together: the last gives first, then the widest. The first, which names
    the row, gives nothing, and none goes below `_LEAST`.
    """
    fitted = dict(widths)
    over = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width
    _named_by, *others = fitted
    by_turn = others[-1:] + sorted(others[:-1], key=lambda index: -fitted[index])
    for index in by_turn:
        given = max(0, min(over, fitted[index] - _LEAST))
        fitted[index] -= given
        over -= given
    return fitted


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
