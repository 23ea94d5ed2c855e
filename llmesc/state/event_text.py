"""The JSON of a run's events as stores keep it, in half the time where candidates are many: one that is passed over stands in the
chain of the first event and in an event of its own, in every run, and its text is always the same.

`json` takes no ready text, so a mark is written in its place, and replaced in what came of it. Nobody's text can be taken for the
mark: it is another one in each process, and never leaves it. Measured: a run that passes over 990 candidates takes 2.5 ms less of
19.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import chain

from llmesc.escalation.codec import encode, encode_event
from llmesc.escalation.events import Event, RunStarted
from llmesc.escalation.resolution import Resolution

_MARK = os.urandom(16).hex()
_TEXT = "_json_text"
"""Under which a candidate keeps its own."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode


def events_text(events: Sequence[Event]) -> str:
    """The JSON array of what `encode_event` makes of each."""
    bodies = [encode_event(event) for event in events]
    marked: list[Resolution] = []
    for event, body in zip(events, bodies, strict=True):
        if isinstance(event, RunStarted):
            marked += event.chain.candidates
            body["chain"]["candidates"] = [_MARK] * len(event.chain.candidates)
        elif (candidate := getattr(event, "resolution", None)) is not None:
            marked.append(candidate)
            body["resolution"] = _MARK
    between = _to_json(bodies).split(f'"{_MARK}"')
    return "".join(chain.from_iterable(zip(between, [*map(_text, marked), ""], strict=True)))


def _text(candidate: Resolution) -> str:
    if (known := candidate.__dict__.get(_TEXT)) is None:
        known = candidate.__dict__[_TEXT] = _to_json(encode(candidate))
    return known
