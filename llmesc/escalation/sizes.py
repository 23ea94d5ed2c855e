"""Sizes of files as people write them."""

from __future__ import annotations

import re

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?B)?", re.IGNORECASE)

SIZE_EXAMPLES = '"500MB", "2GB", "1GiB", or a number of bytes'


def parse_size(text: str) -> int:
    """Bytes of `500MB`, `2GB`, `1GiB`; a bare number is bytes. Raises ValueError that gives examples."""
    found = _SIZE.fullmatch(text.strip())
    unit = (found[2] or "B").upper() if found else ""
    if found is None or unit not in _UNITS:
        raise ValueError(f"{text[:40]!r} is no size; write {SIZE_EXAMPLES}")
    return int(float(found[1]) * _UNITS[unit])


def format_size(size: int) -> str:
    """About so much, for people: `4.2 MB`, `812 bytes`."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.1f} {unit}"
    return f"{size} byte{'' if size == 1 else 's'}"


def exact_size(size: int) -> str:
    """The shortest text that `parse_size` reads back as the same: `2GB`, `1GiB`, `1234B`."""
    texts = (f"{size // bytes}{unit.replace('IB', 'iB')}" for unit, bytes in _UNITS.items() if size and size % bytes == 0)
    return min(texts, key=len, default="0B")
