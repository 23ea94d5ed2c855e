"""Which denials count, and which ones a pattern names."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp


def in_force(denials: Iterable[Denial], now: Timestamp) -> tuple[Denial, ...]:
    """Those that have not expired."""
    return tuple(denial for denial in denials if denial.until is None or now < denial.until)


def names(pattern: str, denial: Denial) -> bool:
    """Whether `pattern` is the denial's written key, or a glob that matches it."""
    written = str(denial.key)
    return pattern == written or fnmatchcase(written, pattern)
