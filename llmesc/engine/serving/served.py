"""Which of a configuration's candidates a worker serves, and in which lanes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llmesc.config.model import Config
from llmesc.escalation.chain import offerings_named
from llmesc.escalation.resolution import Resolution
from llmesc.fleet.lanes import Lane, window_class
from llmesc.fleet.messages import Serving


class Served(NamedTuple):
    """One reference of the worker's own, and the lanes it answers."""

    reference: str
    candidates: tuple[Resolution, ...]
    """All instances that it stands for."""
    lanes: tuple[Lane, ...]


def served(
    config: Config, offerings: Sequence[Resolution], references: Sequence[str], windows: Sequence[str]
) -> tuple[Served, ...]:
    """What `--serve` and `--lanes` mean. `windows`: classes (`8k`) or whole lanes (`qwen3-32b@8k`); none: each model's own.

    Raises `UnknownName` for a reference that nothing answers to, ValueError for what cannot be served.
    """
    of_fleet = {provider.name for provider in config.providers if provider.api == "fleet"}
    found = []
    for reference in dict.fromkeys(references):
        candidates = tuple(offerings_named(offerings, [reference]))
        if any(candidate.provider in of_fleet for candidate in candidates):
            raise ValueError(f"{reference} is the fleet itself; a worker serves what it calls without it")
        found.append(Served(reference, candidates, _lanes(reference, candidates, windows)))
    lanes = [lane for each in found for lane in each.lanes]
    if twice := {str(lane) for lane in lanes if lanes.count(lane) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))} would be served by two references; start a worker for each")
    if unused := [text for text in windows if "@" in text and text not in set(map(str, lanes))]:
        raise ValueError(f"{', '.join(unused)}: no --serve has that model")
    return tuple(found)


def _lanes(reference: str, candidates: Sequence[Resolution], windows: Sequence[str]) -> tuple[Lane, ...]:
    model = candidates[0].model
    known = [candidate.offering.context_window for candidate in candidates if candidate.offering.context_window is not None]
    own = Lane(model, window_class(min(known, default=None)))
    wanted = [Lane.parse(text if "@" in text else f"{model}@{text}") for text in windows]
    lanes = tuple(dict.fromkeys(lane for lane in wanted if lane.model == model)) or (own,)
    for lane in lanes:
        if own.tokens is not None and (lane.tokens is None or lane.tokens > own.tokens):
            raise ValueError(
                f"{reference} has a window of {min(known):,} tokens, and does not fit the lane {lane}; it fits {own}"
            )
    return lanes


def servings(what: Sequence[Served]) -> tuple[Serving, ...]:
    """As a worker says it of itself."""
    return tuple(Serving(lane=str(lane), reference=each.reference) for each in what for lane in each.lanes)
