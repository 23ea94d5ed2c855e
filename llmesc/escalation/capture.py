"""How much of what was said is kept in the record: the words for it, and which is stricter. `records` does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

CaptureMode = Literal["full", "redacted", "encrypted", "metadata"]
"""`full`: all of it. `redacted`: without secrets and personal numbers. `encrypted`: all of it, for whoever has the key.
`metadata`: digests and lengths.
"""

MODES: tuple[CaptureMode, ...] = get_args(CaptureMode)
"""From the least strict on: by what somebody finds who has the store and nothing else."""


def strictest(modes: Iterable[CaptureMode]) -> CaptureMode:
    """The one that keeps the least."""
    return max(modes, key=MODES.index, default="full")


def not_kept(mode: CaptureMode) -> str:
    """What stands in place of a text that is not there."""
    return "‹encrypted: its key is not here›" if mode == "encrypted" else f"‹not kept: capture = {mode}›"
