"""When something ran within a whole, as a bar of characters: a look says what came after what, and what took long. Pure."""

from __future__ import annotations

BEFORE_FIRST, WRITING, NOT_CALLED, WAITED = "░", "█", "↷", "·"
"""A call that waits for its first token, one that has it, a moment at which somebody was passed over, and a time of waiting."""


def bar(began: float, first_token: float | None, ended: float, *, whole: float, width: int) -> str:
    """`width` characters for `whole` seconds: `    ░░░████ `, at least one of them for a call, however short.

    `began`, `first_token` (None: it never came) and `ended` are seconds since the whole began.
    """
    if width <= 0:
        return ""
    start = _cell(began, whole, width)
    end = max(_cell(ended, whole, width), start)
    writing = end + 1 if first_token is None else min(max(_cell(first_token, whole, width), start), end)
    return "".join(" " if cell < start or cell > end else BEFORE_FIRST if cell < writing else WRITING for cell in range(width))


def mark(at: float, *, whole: float, width: int) -> str:
    """A moment as one character in its place."""
    return (" " * _cell(at, whole, width) + NOT_CALLED).ljust(width)[:width] if width > 0 else ""


def pause(began: float, ended: float, *, whole: float, width: int) -> str:
    """A time in which nobody could be called."""
    return bar(began, ended, ended, whole=whole, width=width).replace(BEFORE_FIRST, WAITED).replace(WRITING, WAITED)


def _cell(at: float, whole: float, width: int) -> int:
    return min(max(int(min(at / whole, 1.0) * width), 0), width - 1) if whole > 0 else 0
