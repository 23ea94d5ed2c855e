"""Source to a tree of blocks: CommonMark with tables and strikethrough, and without what would need the rest of the document.

Link definitions (`[1]: https://…`) and HTML stay text: a definition would change what is drawn already, and both would hide what
the model wrote.
"""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

DEEPEST = 20
"""Blocks inside blocks; what lies deeper is not drawn apart."""

WIDEST_TABLE = 40
"""Columns; every row of a table is filled up to its columns, so more of them would cost more than the text is long."""

_TOO_WIDE = re.compile(rf"^[ \t>]*\|?(?:[ \t]*:?-+:?[ \t]*\|){{{WIDEST_TABLE},}}", re.MULTILINE)


@cache
def _markdown(*, tables: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("strikethrough")
    made.disable(["reference", "html_block", "html_inline"])
    if tables:
        made.enable("table")
    made.core.ruler.disable(["inline", "text_join"])  # of an inline text only what is drawn is parsed
    return made


def blocks(source: str) -> SyntaxTreeNode:
    """The blocks; inline text is left as it is. Lines of the source are known by their numbers, from 0."""
    return SyntaxTreeNode(_markdown(tables=_TOO_WIDE.search(source) is None).parse(source))


def inline(text: str) -> list[Token]:
    """The tokens of the text of one block."""
    tokens: list[Token] = []
    made = _markdown(tables=True)
    made.inline.parse(text, made, {}, tokens)
    return tokens


def lines_of(node: SyntaxTreeNode) -> tuple[int, int]:
    """The first line of a block, and the one after its last."""
    found = node.map
    return found if found is not None else (0, 0)
