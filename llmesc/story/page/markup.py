"""Pieces of HTML in which a text can only ever be a text."""

from __future__ import annotations

from html import escape

from llmesc.escalation.untrusted import one_line, safe


def text(value: str) -> str:
    """A text of any length, white space kept; nothing in it is markup or steers whoever copies it."""
    return escape(safe(value))


def line(value: str, width: int = 400) -> str:
    """The same on one line."""
    return escape(one_line(value, width))


def element(tag: str, content: str = "", **attributes: str | float | None) -> str:
    """`<tag name="value">content</tag>`; `content` is markup already, values are escaped, and None leaves out the attribute.

    `class_` and `stroke_width` stand for the names that Python cannot write.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    written = "".join(f' {name}="{escape(_number(value))}"' for name, value in named.items())
    return f"<{tag}{written}>{content}</{tag}>"


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
