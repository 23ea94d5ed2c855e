"""Events as they leave llmesc for those who keep an audit: as they are recorded, and with the status that each implies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import Event
from llmesc.escalation.status import Status, event_status, statuses


def leaving(event: Event) -> dict[str, Any]:
    """One event alone, as it happens."""
    return _with_status(event, event_status(event))


def all_leaving(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    """Recorded ones, in their order."""
    return map(_with_status, events, statuses(events))


def _with_status(event: Event, status: Status | None) -> dict[str, Any]:
    made = encode_event(event)
    if status is not None:
        made["status"] = status.value
    return made
