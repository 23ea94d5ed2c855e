"""How wide text stands on a terminal, and how it is cut to fit."""

from __future__ import annotations

import unicodedata


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
