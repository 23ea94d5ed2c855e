"""The events of a run in a file: one JSON object a line, as `llmesc ask --jsonl` writes them, to be replayed elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import Event
from llmesc.story.private_file import write_private


def write_events(events: Iterable[Event], place: str, *, replace: bool = False) -> Path:
    """Writes the file, readable by its owner alone: it holds the prompt and the answer. Its absolute path.

    Raises as `write_private` does.
    """
    lines = (json.dumps(encode_event(event), ensure_ascii=True, separators=(",", ":")) + "\n" for event in events)
    return write_private(lines, place, replace=replace)
