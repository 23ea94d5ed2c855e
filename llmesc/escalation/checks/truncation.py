"""Answers that stop in the middle, where the provider did not say so."""

from __future__ import annotations

import re

from llmesc.escalation.checks.shape import LineKind, Shape

_LONE_MARKER = re.compile(r"(?:\d{1,3}[.)]|[-*+•])")
"""A list item that has begun and says nothing."""
_ITEM = re.compile(r"(?:\d{1,3}[.)]|[-*+•])\s+\S")

_OPENING = ("(", "[", "{", "„", "«", "“")
_ENOUGH_WORDS = 5
"""A last line shorter than this may be a name, a label or a greeting, and ends as it likes."""

_NEVER_LAST = """
    the and than into because whose your their its und oder weil dass einem zum zur vom ou lorsque uma
    gli della degli delle nella omdat oraz ponieważ przez и или або ve veya का की के
"""
"""Words that no sentence of their language ends with, and that are no other word in another language. Compared as written:
`AND` may well be the answer."""


def cut_off(text: str, shape: Shape) -> str | None:
    """Why `text`, whose lines are `shape`, obviously stops in the middle."""
    if shape.fence_open:
        return "it stops inside a code block"
    if text.lstrip().startswith("<think>") and "</think>" not in text:
        return "it stops inside its reasoning"
    if not shape.lines:
        return None
    last, before = shape.lines[-1], shape.lines[-2] if len(shape.lines) > 1 else None
    if before and _LONE_MARKER.fullmatch(last.text) and _ITEM.match(before.text):
        return "it stops at the start of a list item"
    if last.kind is LineKind.TABLE:
        rows = before and before.kind is LineKind.TABLE and before.text.endswith("|")
        return "it stops inside a table row" if rows and last.text.startswith("|") and not last.text.endswith("|") else None
    return _dangling(last.text) if last.kind is LineKind.PROSE else None


def _dangling(line: str) -> str | None:
    """Why the last line of prose wants to go on."""
    if line[-1] in "，、：،" and len(line) >= 2 * _ENOUGH_WORDS:
        return "it stops in mid sentence"
    words = line.split()
    if len(words) < _ENOUGH_WORDS:
        return None
    end = words[-1]
    unfinished = end in _OPENING or end in _NEVER_LAST.split() or (line[-1] in ",:" and line[-2].isalnum())
    return "it stops in mid sentence" if unfinished else None
