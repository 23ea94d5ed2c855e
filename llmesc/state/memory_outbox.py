"""What waits for the sinks, in the memory of one process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.state.outbox import Decide, SinkState, Stretch
from llmesc.state.projection import stretches

T = TypeVar("T")


class MemoryOutbox:
    """The index over what was appended while there were sinks."""

    def __init__(self) -> None:
        self._newest = 0
        self._waiting: list[Stretch] = []
        self._sinks: dict[str, SinkState] = {}

    def add(self, events: Sequence[Event], now: Timestamp) -> None:
        """Notes new events of one run, where somebody waits for them."""
        for stretch in stretches(events) if self._sinks else ():
            self._newest += 1
            size = sum(len(str(encode_event(event))) for event in stretch)
            first, last = stretch[0], stretch[-1]
            self._waiting.append(Stretch(self._newest, first.run_id, first.seq, last.seq, now, size))

    def run_ids(self) -> set[str]:
        """The runs that somebody waits for."""
        return {stretch.run_id for stretch in self._waiting}

    def sinks(self) -> dict[str, SinkState]:
        """By name."""
        return dict(sorted(self._sinks.items()))

    def change(self, name: str, decide: Decide[T], now: Timestamp) -> T:
        """Sets what `decide` makes of the present state."""
        state, answer = decide(self._sinks.get(name), self._newest, now)
        if state is not None:
            self._sinks[name] = state
        return answer

    def forget(self, name: str) -> None:
        """The sink; with the last one goes everything that waits."""
        self._sinks.pop(name, None)
        if not self._sinks:
            self._waiting.clear()

    def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """In the order of writing."""
        return [stretch for stretch in self._waiting if stretch.position > after][:limit]

    def clear(self, up_to: int) -> None:
        """Forgets what waited up to a position."""
        self._waiting = [stretch for stretch in self._waiting if stretch.position > up_to]
