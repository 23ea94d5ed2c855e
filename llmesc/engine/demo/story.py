"""The story of the demonstration, as it is written in `story.toml` beside: values, and nothing that acts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey

_FILE = Path(__file__).with_name("story.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of the story, and what it is answered."""

    at_seconds: float
    """When, since the beginning."""
    chain: str
    prompt: str
    answer: str
    """Of whoever is asked."""
    thinking: str = ""
    """Of those who think aloud."""
    instead: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By provider: what of its step is another than `answer` makes it."""
    quiet: bool = False
    """Whether it is asked again when the story is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What is wrong with an instance for a while."""

    instance: CircuitKey
    step: Mapping[str, Any]
    """Of the wire `simulated`, with its `from_seconds` and `until_seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What is said from a moment on, until the next one's."""

    from_seconds: float
    text: str
    circuit: CircuitKey | None = None
    """Whose state may change the text, so that it stays true where the user put something right or wrong."""
    in_state: Mapping[str, str] = field(default_factory=dict)
    """By state of that circuit (`open`, `half_open`, `closed`): the text instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it, each part in the order of its times."""

    requests: Sequence[Asked]
    weather: Sequence[Weather]
    captions: Sequence[Caption]
    tips: Sequence[str]
    """What is said in turn when the story is over."""

    @property
    def quiet(self) -> Sequence[Asked]:
        """What is asked again and again afterwards."""
        return [asked for asked in self.requests if asked.quiet]


def the_story() -> Story:
    """As it is written."""
    written = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return Story(
        requests=[Asked(**{**one, "answer": one["answer"].strip()}) for one in written["requests"]],
        weather=[Weather(instance=CircuitKey.parse(one.pop("instance")), step=one) for one in written["weather"]],
        captions=[_caption(one) for one in written["captions"]],
        tips=written["tips"],
    )


def _caption(table: Mapping[str, Any]) -> Caption:
    circuit = table.get("circuit")
    return Caption(
        from_seconds=table["from_seconds"],
        text=table["text"],
        circuit=None if circuit is None else CircuitKey.parse(circuit),
        in_state=table.get("while", {}),
    )
