"""The Lua that runs inside Redis: what must happen together."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from llmesc.state.redis_scripts import Script

_FOLDER = Path(__file__).with_name("lua")


@cache
def script(name: str) -> Script:
    """The script of that name."""
    text = (_FOLDER / f"{name}.lua").read_text()
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
