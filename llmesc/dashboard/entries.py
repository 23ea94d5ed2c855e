"""How an event reads on the timeline: a level, a kind, and one line. Pure."""

from __future__ import annotations

from typing import Literal, get_args

from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.story import words
from llmesc.story.style import Style
from llmesc.story.tell import tell

Level = Literal["detail", "info", "warning", "failure"]

LEVELS: tuple[Level, ...] = get_args(Level)
"""From the least to the most."""

Kind = Literal["run", "attempt", "quality", "switch", "circuit", "tool"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_KINDS: dict[str, Kind] = {
    "quality_checked": "quality",
    "provider_switched": "switch",
    "answer_reset": "switch",
    "candidate_skipped": "switch",
    "waiting": "switch",
    "circuit_changed": "circuit",
    "model_denied": "circuit",
    "tool_call_requested": "tool",
    "tool_call_finished": "tool",
    "run_started": "run",
    "run_finished": "run",
}

_LEVELS: dict[Style, Level] = {"bad": "failure", "doubtful": "warning", "good": "info", "strong": "info", "plain": "info"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    seconds: float
    """Since the run began."""
    level: Level
    kind: Kind
    text: str
    style: Style


def entry(event: Event, view: RunView) -> Entry:
    """How `event` reads; `view` is its run at that moment or later."""
    line = next(tell(event, view), None)
    kind = _KINDS.get(event.type, "attempt")
    if line is None:
        return Entry(event.elapsed_ms / 1000, "detail", kind, words.plain_words(event.type), "dim")
    level = "detail" if line.detail else _LEVELS.get(line.style, "info")
    return Entry(event.elapsed_ms / 1000, level, kind, line.text.strip(), line.style)


def wanted(one: Entry, *, least: Level, hidden: frozenset[Kind], text: str) -> bool:
    """Whether an entry is to be seen: of that level or above, of a kind that is not hidden, with that text in it."""
    return LEVELS.index(one.level) >= LEVELS.index(least) and one.kind not in hidden and text.casefold() in one.text.casefold()
