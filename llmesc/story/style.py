"""Colour, which only ever repeats what a glyph and a word say already."""

from __future__ import annotations

from typing import Literal

Style = Literal["plain", "dim", "good", "bad", "doubtful", "strong"]

_CODES: dict[Style, str] = {"dim": "2", "good": "32", "bad": "31", "doubtful": "33", "strong": "1"}


def paint(text: str, style: Style, colour: bool) -> str:
    """`text` in `style`, or as it is where there is no colour."""
    code = _CODES.get(style) if colour and text.strip() else None
    return text if code is None else f"\x1b[{code}m{text}\x1b[0m"
