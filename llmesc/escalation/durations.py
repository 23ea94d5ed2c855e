"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)\s*")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_BARE = re.compile(r"[0-9]+(?:\.[0-9]+)?")

LONGEST_SECONDS = 3650 * 86_400.0
"""Ten years: a longer wait is a slip of the pen, and would run past the calendar of the clock."""

EXAMPLES = '"500ms", "5s", "2m", "1h30m", "7d", or a number of seconds'


def parse_duration(text: str) -> float:
    """Seconds of `500ms`, `5s`, `2m`, `1h30m`, `7d`; a bare number is seconds. Raises ValueError that gives examples."""
    written = text.strip().lower()
    if _BARE.fullmatch(written):
        seconds = float(written)
    elif _WHOLE.fullmatch(written):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(written)) / 1_000
    else:
        raise ValueError(f"{text[:40]!r} is no duration; write {EXAMPLES}")
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"{text[:40]!r} is longer than ten years")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back, to the millisecond: `2m`, `90s`, `500ms`."""
    milliseconds = round(seconds * 1_000)
    for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return "0s"
