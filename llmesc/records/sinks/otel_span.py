"""Spans and measurements as plain values, without OpenTelemetry's library; ids that follow from what they stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp

Attributes = dict[str, str | int | float | bool | list[str]]

OPERATION = "chat"
DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"

_SAMPLED = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The caller's span, of a W3C traceparent."""

    trace_id: int
    span_id: int
    sampled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of a span."""

    name: str
    at: Timestamp
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span; times are the recorded ones, ids follow from the run's."""

    name: str
    span_id: int
    started_at: Timestamp
    ended_at: Timestamp
    attributes: Attributes
    remote: bool
    """Whether it is a call to somebody else (`CLIENT`), or happens here (`INTERNAL`)."""
    error: str = ""
    """What its status says; empty: it is no error."""
    events: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One value for a histogram."""

    instrument: str
    value: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All of one run."""

    trace_id: int
    parent: Parent | None
    run: Span
    attempts: tuple[Span, ...]
    measured: tuple[Measured, ...]

    @property
    def is_wanted(self) -> bool:
        """Whether its spans are to be sent: a caller whose own trace is not sampled has no use for them."""
        return self.parent is None or self.parent.sampled


def parent_of(traceparent: str) -> Parent | None:
    """The span that a recorded traceparent names; None where there is none."""
    parts = traceparent.split("-")
    try:
        _, trace_id, span_id, flags = parts[:4]
        found = Parent(trace_id=int(trace_id, 16), span_id=int(span_id, 16), sampled=bool(int(flags, 16) & _SAMPLED))
    except ValueError:
        return None
    return found if found.trace_id and found.span_id else None


def stable_id(of: str, size: int) -> int:
    """The same each time, so that what comes twice is seen to."""
    return int.from_bytes(hashlib.sha256(f"llmesc {of}".encode()).digest()[:size]) or 1


def known(said: Mapping[str, Any]) -> Attributes:
    """Without what nobody said."""
    return {name: value for name, value in said.items() if value is not None}
