"""What a sink is, and the form in which events leave for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from llmesc.escalation.events import Event
from llmesc.escalation.leaving import all_leaving

T = TypeVar("T")

InThread = Callable[[Callable[[], T]], Awaitable[T]]
"""Does blocking work beside the event loop."""


class NotDelivered(Exception):
    """A batch was not taken; it will be sent again. The message is for people, and holds no secret."""

    def __init__(self, words: str, *, retry_after_seconds: float | None = None, for_good: bool = False) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds
        """How long the sink asks to be left alone."""
        self.for_good = for_good
        """It wants no more at all, until an operator says otherwise."""


class Sink(Protocol):
    """Where events go. A batch may come twice, whole or in part: each event has an id by which to tell."""

    async def prepare(self) -> None:
        """Gets ready whatever is needed first: secrets, libraries. Raises `NotDelivered` where something is missing."""
        ...

    async def deliver(self, events: Sequence[Event]) -> None:
        """Returns when all of them are safe there. Raises `NotDelivered`."""
        ...

    async def check(self) -> str:
        """Whether it can be reached, without delivering anything; what there is to tell. Raises `NotDelivered`."""
        ...

    async def aclose(self) -> None:
        """Lets go of what it holds."""
        ...


def event_id(event: Event) -> str:
    """`run_id.seq`: the same each time it is delivered, and no other event's."""
    return f"{event.run_id}.{event.seq}"


def items(events: Sequence[Event]) -> list[dict[str, Any]]:
    """What a file or a webhook gets: the events as recorded, the id of each first and its status last."""
    return [{"id": event_id(event), **made} for event, made in zip(events, all_leaving(events), strict=True)]
