"""How much was done, as only the code and, by a little, the version of Python change it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass
class Calls:
    """How often a function was called, or a coroutine or generator resumed."""

    count: int = 0


@contextmanager
def counted() -> Iterator[Calls]:
    """Counts until it is left."""
    calls = Calls()

    def seen(_frame: FrameType, event: str, _arg: Any) -> None:
        calls.count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        yield calls
    finally:
        sys.setprofile(before)
