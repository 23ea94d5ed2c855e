"""How a call of a tool reads: on one line, and in full. Pure."""

from __future__ import annotations

import json
from functools import lru_cache

from llmesc.escalation.events import ToolCallFinished, ToolCallRequested
from llmesc.escalation.untrusted import one_line
from llmesc.story import words

LONGEST_ARGUMENT = 40
"""Characters of one argument on the line; all of it is told where the call is open."""


def call_words(event: ToolCallRequested | ToolCallFinished, done: ToolCallFinished | None, *, over: bool) -> str:
    """`tool look_up(city="Rome") · 0.3 s`; `over`: nothing more will come, so that a call without a result never ran."""
    arguments = event.arguments if isinstance(event, ToolCallRequested) else ""
    call = f"tool {one_line(event.name, 60)}({_arguments(arguments[:2_000])})"
    if done is None:
        return f"{call} · {'has no result' if over else 'running …'}"
    return f"{call} · {'✗ error · ' if done.is_error else ''}{words.seconds(done.duration_seconds)}"


@lru_cache(maxsize=512)
def _arguments(source: str) -> str:
    """`city="Rome", days=3` of a JSON object; whatever else it is, as it came."""
    try:
        parsed = json.loads(source)
    except (ValueError, RecursionError):
        return one_line(source, LONGEST_ARGUMENT)
    if not isinstance(parsed, dict):
        return one_line(source, LONGEST_ARGUMENT)
    shown = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parsed.items())
    return ", ".join(one_line(argument, LONGEST_ARGUMENT) for argument in shown)


def told_in_full(arguments: str, done: ToolCallFinished | None) -> str:
    """The arguments and the result."""
    result = "" if done is None else f"\n→ {done.result or 'no text'}"
    return f"{arguments or 'no arguments'}{result}"
