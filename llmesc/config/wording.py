"""How messages about the configuration name keys, show values, and point to the nearest known name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from llmesc.config.locate import KeyPath

_URL_CREDENTIALS = re.compile(r"//[^/\s]*@")


def dotted(path: KeyPath) -> str:
    """A key path as TOML writes it: `providers.lab.models[0]."odd key"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.replace("-", "").replace("_", "")
            quoted = part if bare.isascii() and bare.isalnum() else _quoted(part)
            text += f".{quoted}" if text else quoted
    return text


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def nearest(name: str, known: Collection[str]) -> str:
    """`; nearest: …` for a message, where a known name is like `name`; else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name[:80], sorted(known), n=2, cutoff=0.6)
    return f"; nearest: {', '.join(close)}" if close else ""


def shown(value: object) -> str:
    """A value as a message may show it: short, harmless, and without what looks like a key."""
    from llmesc.escalation.redact import redact
    from llmesc.escalation.untrusted import one_line

    if isinstance(value, str):
        return f'"{one_line(_URL_CREDENTIALS.sub("//***@", redact(value)), 60)}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > 10**30:
        return "a huge number"  # Python refuses to write some of them out
    if isinstance(value, int | float):
        return str(value)
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "a date or time"


def span(least: float, most: float | None) -> str:
    """`from 1`, `from 0 to 100`."""
    return f"from {least:g}" if most is None else f"from {least:g} to {most:g}"
