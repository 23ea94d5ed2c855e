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


def wrapped(text: str, width: int) -> list[str]:
    """`text` as lines of at most `width` columns, broken between words, and only longer words within."""
    lines, line = list[str](), ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if display_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while display_width(word) > width:
            part = cut(word, width + 1)[:-1] or word[0]
            lines.append(part)
            word = word[len(part) :]
        line = word
    return [*lines, line]


def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
