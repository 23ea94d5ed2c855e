"""What lines are made of: text, and what kind of text it is. How that looks is the theme's."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal[
    "text",
    "title",  # a heading of the first level
    "heading",
    "subheading",
    "inline",  # code in a sentence
    "code",  # code in a block, and its parts:
    "keyword",
    "name",
    "string",
    "number",
    "comment",
    "link",
    "address",
    "quote",
    "marker",  # bullets, numbers, bars, rules
    "note",  # what llmesc says about the text
    "thinking",
]

CODE: frozenset[Role] = frozenset({"code", "keyword", "name", "string", "number", "comment"})


class Look(NamedTuple):
    """A kind of text, and how it is stressed."""

    role: Role = "text"
    strong: bool = False
    emphasis: bool = False
    struck: bool = False


PLAIN = Look()


class Span(NamedTuple):
    """Text of one kind."""

    text: str
    look: Look = PLAIN


Line = tuple[Span, ...]
"""One line of the screen, none of its spans with a newline."""


def line_text(line: Line) -> str:
    """What can be read."""
    return "".join(span.text for span in line)
