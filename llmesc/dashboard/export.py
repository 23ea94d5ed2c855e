"""The events of a run in a file: one JSON object a line, as `llmesc ask --jsonl` writes them, to be replayed elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import Event


class Exists(Exception):
    """There is such a file already."""


def write_events(events: Iterable[Event], place: str, *, replace: bool = False) -> Path:
    """Writes the file, readable by its owner alone: it holds the prompt and the answer. Its absolute path.

    The file appears whole or not at all. Raises `Exists` where there is one that was not to be replaced, and OSError.
    """
    path = Path(place).expanduser().absolute()
    if path.exists() and not replace:
        raise Exists(str(path))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            for event in events:
                file.write(json.dumps(encode_event(event), ensure_ascii=True, separators=(",", ":")) + "\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
