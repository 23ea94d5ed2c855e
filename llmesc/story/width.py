"""How wide text stands on a terminal, and how it is cut to fit."""

from __future__ import annotations

import unicodedata


def display_width(text: str) -> int:
    """Columns of a terminal that `text` takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """`text`, cut to `width` columns of a terminal, with an ellipsis where something is missing."""
    if display_width(text) <= width:
        return text
    room = max(width - 1, 0)
    if text.isascii():
        return f"{text[:room]}…"
    for index, character in enumerate(text):
        room -= _columns(character)
        if room < 0:
            return f"{text[:index]}…"
    return f"{text}…"  # nothing of it takes a column, and there is none


def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
