"""Lanes: a model with a window class. Which of them can take a request, and in which order they are tried. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_WRITTEN = re.compile(r"(?P<model>[^\x00-\x1f\x7f]{1,200})@(?P<window>any|[1-9][0-9]{0,5}k)")
_KILO = 1024

UNKNOWN_WINDOW = "any"
"""The class of a model whose window nobody configured: it is tried last, with any prompt."""


class Lane(NamedTuple):
    """Written `qwen3-32b@32k`; only the last `@` splits."""

    model: str
    window: str = UNKNOWN_WINDOW

    @property
    def tokens(self) -> int | None:
        """What a prompt and its answer may take together; None: not known."""
        return None if self.window == UNKNOWN_WINDOW else int(self.window[:-1]) * _KILO

    def __str__(self) -> str:
        return f"{self.model}@{self.window}"

    @classmethod
    def parse(cls, text: str) -> Lane:
        """The lane that `text` names. Raises ValueError."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:80]!r} is no lane; write model@32k, or model@any")
        return cls(found["model"], found["window"])


def window_class(context_window: int | None) -> str:
    """The class of a window: the power of two below it, in units of 1,024 tokens, so that hosts with slightly different settings
    share a lane. Raises ValueError for a window below 1,024 tokens.
    """
    if context_window is None:
        return UNKNOWN_WINDOW
    if context_window < _KILO:
        raise ValueError(f"a window of {context_window:,} tokens is too small for a lane: 1,024 at least")
    return f"{1 << ((context_window // _KILO).bit_length() - 1)}k"


def lanes_for(lanes: Iterable[Lane], tokens: int) -> tuple[Lane, ...]:
    """Those that a request of about so many tokens fits, the smallest window first: large ones stay free for those who need them.
    The estimate may be a quarter too high: what only just does not fit is tried in the largest.
    """
    by_size = sorted(set(lanes), key=lambda lane: (lane.tokens is None, lane.tokens or 0, lane))
    fitting = [lane for lane in by_size if lane.tokens is None or tokens <= lane.tokens]
    if not fitting:
        fitting = [lane for lane in by_size[-1:] if tokens * 4 // 5 <= (lane.tokens or 0)]
    return tuple(fitting)
