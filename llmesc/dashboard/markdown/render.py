"""A piece of Markdown source to lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it.tree import SyntaxTreeNode

from llmesc.dashboard.markdown.code import code_lines
from llmesc.dashboard.markdown.heal import healed_text
from llmesc.dashboard.markdown.inline import carried_number, continues, spans, unmarked
from llmesc.dashboard.markdown.parse import blocks, lines_of
from llmesc.dashboard.markdown.spans import Line, Look, Role, Span
from llmesc.dashboard.markdown.table import table_lines
from llmesc.dashboard.markdown.visible import MARK
from llmesc.dashboard.markdown.wrap import wrap

NARROWEST = 12
"""Columns; what lies so deep that it would have fewer is not indented any further."""

_MARKER = Look("marker")
_BULLETS = ("•", "◦", "▪")
_HEADINGS: dict[str, Role] = {"h1": "title", "h2": "heading"}


def render(source: str, width: int, *, half: bool = False) -> list[Line]:
    """The lines of some whole blocks, an empty line before each that does not go on from what is drawn already.

    What stands behind a `MARK` in the source is drawn; the blocks that hold only a mark are drawn already. `half`: the last
    paragraph is being written, and its open emphasis is closed.
    """
    tree = blocks(source)
    drawing = _Drawing(source.split("\n"), _last(tree) if half else None)
    lines: list[Line] = []
    for node in tree.children:
        drawn = drawing.block(node, max(width, 2), 0)
        if drawn and not goes_on(node):
            lines.append(())
        lines += drawn
    return lines


def goes_on(node: SyntaxTreeNode) -> bool:
    """Whether a block goes on from what is drawn already: whether the first that is written in it is a mark."""
    while node.children and node.type != "table":
        node = node.children[0]
    if node.type == "table":
        return any(continues(cell.content) for cell in node.walk() if cell.type == "inline")
    if node.type == "hr" or node.nester_tokens is not None:
        return False
    return continues(node.info) or node.content.startswith(MARK)


def _last(tree: SyntaxTreeNode) -> SyntaxTreeNode:
    """The block that the end of the source is in."""
    while tree.children and tree.type not in ("paragraph", "heading", "table"):
        tree = tree.children[-1]
    return tree


class _Drawing:
    """One piece of source being drawn."""

    def __init__(self, source: Sequence[str], half: SyntaxTreeNode | None) -> None:
        self._source = source
        self._half = half
        self._kinds: dict[str, Callable[[SyntaxTreeNode, int, int], list[Line]]] = {
            "paragraph": self._paragraph,
            "heading": self._heading,
            "bullet_list": self._list,
            "ordered_list": self._list,
            "blockquote": self._quote,
            "fence": self._code,
            "code_block": self._code,
            "table": lambda node, width, _: table_lines(node, width),
            "hr": lambda _, width, __: [(Span("─" * width, _MARKER),)],
        }

    def block(self, node: SyntaxTreeNode, width: int, depth: int) -> list[Line]:
        """The lines of one block; `depth`: of how many lists it is part."""
        return self._kinds[node.type](node, width, depth)

    def _inside(self, children: Sequence[SyntaxTreeNode], width: int, depth: int) -> list[Line]:
        """Blocks of a block: an empty line between two where the source has one."""
        lines: list[Line] = []
        for number, child in enumerate(children):
            drawn = self.block(child, width, depth)
            if number and drawn and self._apart(child):
                lines.append(())
            lines += drawn
        return lines

    def _apart(self, node: SyntaxTreeNode) -> bool:
        first, _ = lines_of(node)
        return first > 0 and not self._source[first - 1].strip(" \t>")

    def _paragraph(self, node: SyntaxTreeNode, width: int, _: int) -> list[Line]:
        return self._text(node, width, Look())

    def _heading(self, node: SyntaxTreeNode, width: int, _: int) -> list[Line]:
        return self._text(node, width, Look(_HEADINGS.get(node.tag, "subheading"), strong=True))

    def _text(self, node: SyntaxTreeNode, width: int, look: Look) -> list[Line]:
        content = "".join(child.content for child in node.children)
        if node is self._half:
            content = healed_text(unmarked(content))
        if not unmarked(content).strip():
            return []
        return wrap(spans(content, look), width)

    def _list(self, node: SyntaxTreeNode, width: int, depth: int) -> list[Line]:
        lines: list[Line] = []
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for place, item in enumerate(node.children):
            continued = goes_on(item)
            if number is not None and continued:
                number = _carried(item) or number
            bullet = _BULLETS[min(depth, len(_BULLETS) - 1)] if number is None else f"{number}{node.markup}"
            indent = len(bullet) + 1 if width - len(bullet) - 1 >= NARROWEST else 0
            drawn = self._inside(item.children, width - indent, depth + 1)
            if not continued:
                drawn = drawn or [()]
                if place and self._apart(item):
                    lines.append(())
                first = Span(f"{bullet} "[: width if indent == 0 else indent], _MARKER)
                drawn = [(first, *drawn[0]), *drawn[1:]] if indent else [(first,), *drawn]
            lines += [line if (not number_ and not continued) else _indented(line, indent) for number_, line in enumerate(drawn)]
            number = None if number is None else number + 1
        return lines

    def _quote(self, node: SyntaxTreeNode, width: int, depth: int) -> list[Line]:
        indent = 2 if width - 2 >= NARROWEST else 0
        bar = (Span("▌ ", _MARKER),) if indent else ()
        return [bar + _quoted(line) for line in self._inside(node.children, width - indent, depth)]

    def _code(self, node: SyntaxTreeNode, width: int, _: int) -> list[Line]:
        content = node.content
        if content.startswith(MARK):
            content = content.partition("\n")[2]
        if not content and continues(node.info):
            return []
        return code_lines(content.removesuffix("\n"), unmarked(node.info), width)


def _carried(item: SyntaxTreeNode) -> int | None:
    """How far the list has counted in what is drawn already."""
    first = next((node for node in item.walk() if node.type == "inline"), None)
    return carried_number(first.content) if first is not None else None


def _indented(line: Line, indent: int) -> Line:
    return (Span(" " * indent), *line) if line and indent else line


def _quoted(line: Line) -> Line:
    return tuple(Span(text, look._replace(role="quote") if look.role == "text" else look) for text, look in line)
