"""The Lua that runs inside Redis: what must happen together. Rules stay in Python; the scripts know only keys."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("lua")


class Script(NamedTuple):
    """A text, and the name by which a server knows it once it has run it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script of that name, with what every script begins with."""
    text = f"{(_FOLDER / '_clock.lua').read_text()}\n{(_FOLDER / f'{name}.lua').read_text()}"
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
