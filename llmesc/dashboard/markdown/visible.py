"""Text from a model before it is parsed, and again after it: character references could bring back what was taken out."""

from __future__ import annotations

from llmesc.escalation.untrusted import safe

MARK = "\ufdd0"
"""Stands in source that repeats what is drawn already: a noncharacter, which text that was `cleaned` never holds."""

_UNSEEN = dict.fromkeys([0x00AD, 0x180E, 0x200B, *range(0x2060, 0x2065), *range(0x206A, 0x2070)])  # no place, but part words
_UNSEEN |= dict.fromkeys(range(0xFDD0, 0xFDF0))  # noncharacters
_BREAKS = {0x2028: " ", 0x2029: " "}  # some terminals begin a new line there
_TABLE = {**_UNSEEN, **_BREAKS}


def cleaned(text: str) -> str:
    """`safe`, and without characters that take no place (but for the joiners that emoji and scripts need)."""
    text = safe(text)
    return text if text.isascii() else text.translate(_TABLE)
