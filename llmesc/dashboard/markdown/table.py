"""Tables that fit: columns as wide as their cells where there is room, narrower with wrapped cells where there is not."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.tree import SyntaxTreeNode

from llmesc.dashboard.markdown.inline import carried_number, continues, spans, unmarked
from llmesc.dashboard.markdown.spans import Line, Look, Span
from llmesc.dashboard.markdown.wrap import width_of, wrap

NARROWEST = 4
"""Columns of the terminal; where a table has no room for that, each row is a list of its cells."""

_GAP = " │ "
_HEADING = Look(strong=True)
_MARKER = Look("marker")


def cells_of(table: SyntaxTreeNode) -> list[list[str]]:
    """The source of each cell, the row of titles first."""
    return [[cell.children[0].content for cell in row.children] for part in table.children for row in part.children]


def wanted_widths(cells: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column would be; in a part that goes on with a table, as wide as the first part made it."""
    titles = cells[0]
    if continues("".join(titles)):
        return [carried_number(title) or 1 for title in titles]
    widths = [1] * len(titles)
    for row in cells:
        for column, cell in enumerate(row[: len(widths)]):
            widths[column] = max(widths[column], width_of(spans(cell)))
    return widths


def table_lines(table: SyntaxTreeNode, width: int) -> list[Line]:
    """The titles, a rule, and the rows."""
    cells = cells_of(table)
    if not cells or not cells[0]:
        return []
    continued = continues("".join(cells[0]))
    widths = fitted(wanted_widths(cells), width - len(_GAP) * (len(cells[0]) - 1))
    aligned = [str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in table.children[0].children[0].children]
    if widths is None:
        return [line for row in cells[1:] for line in _listed([] if continued else cells[0], row, width)]
    lines: list[Line] = []
    if not continued:
        lines += _row(cells[0], widths, aligned, _HEADING)
        lines.append((Span("─┼─".join("─" * wide for wide in widths), _MARKER),))
    for row in cells[1:]:
        lines += _row(row, widths, aligned, Look())
    return lines


def fitted(wanted: Sequence[int], room: int) -> list[int] | None:
    """`wanted`, the widest made narrower until all fit into `room`; None where that would make them useless. Pure."""
    if sum(wanted) <= room:
        return list(wanted)
    # The level at which wide columns are cut off: what narrow ones leave is shared by the wide.
    left, fitting = room, dict[int, int]()
    for place, (width, column) in enumerate(sorted((width, column) for column, width in enumerate(wanted))):
        share = left // (len(wanted) - place)
        fitting[column] = min(width, share)
        if width > share < NARROWEST:
            return None
        left -= fitting[column]
    return [fitting[column] for column in range(len(wanted))]


def _row(cells: Sequence[str], widths: Sequence[int], aligned: Sequence[str], look: Look) -> list[Line]:
    wrapped = [wrap(spans(cell, look), width) for cell, width in zip(cells, widths, strict=False)]
    lines: list[Line] = []
    for number in range(max(map(len, wrapped), default=0)):
        line: list[Span] = []
        for column, (cell, width) in enumerate(zip(wrapped, widths, strict=False)):
            if column:
                line.append(Span(_GAP, _MARKER))
            part = cell[number] if number < len(cell) else ()
            before = _before(aligned[column], width - width_of(part))
            line += (Span(" " * before), *part, Span(" " * (width - width_of(part) - before)))
        lines.append(tuple(line))
    return lines


def _before(aligned: str, free: int) -> int:
    return free if aligned == "right" else free // 2 if aligned == "center" else 0


def _listed(titles: Sequence[str], row: Sequence[str], width: int) -> list[Line]:
    """One row where columns have no room: a cell a line, after its title, and a line between two rows."""
    lines: list[Line] = []
    for column, cell in enumerate(row):
        title = [*spans(unmarked(titles[column]), _HEADING), Span(": ", _HEADING)] if column < len(titles) else []
        if cell:
            lines += wrap([*title, *spans(cell)], width)
    return [*lines, ()]
