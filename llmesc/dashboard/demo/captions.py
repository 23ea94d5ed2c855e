"""Which words explain what is seen. Pure: they follow from the time and from the circuits, whatever the user did to those."""

from __future__ import annotations

from collections.abc import Iterable

from llmesc.engine import CircuitLine
from llmesc.engine.demo import Story

TIP_SECONDS = 12.0
"""How long a tip stays: read twice, and tried."""

LAST_SECONDS = 5.0
"""How long the last caption stays before the tips begin."""


def caption(story: Story, seconds: float, circuits: Iterable[CircuitLine]) -> str:
    """What is said so many seconds after the beginning; after the story its tips, in turn and for ever."""
    ended = seconds - story.captions[-1].from_seconds - LAST_SECONDS
    if ended >= 0:
        return story.tips[int(ended / TIP_SECONDS) % len(story.tips)]
    begun = [one for one in story.captions if one.from_seconds <= seconds]
    if not begun:
        return ""
    now = begun[-1]
    state = next((line.state for line in circuits if line.key == now.circuit), "")
    return now.in_state.get(state, now.text)
