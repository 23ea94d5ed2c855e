"""The pieces of a streamed answer without its secrets, in the order they came, none left out. A secret may be cut anywhere."""

from __future__ import annotations

from dataclasses import replace

from llmesc.escalation.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    RunFinished,
    TextDelta,
    ThinkingDelta,
    ToolCallFinished,
    ToolCallRequested,
    Waiting,
)
from llmesc.escalation.light_dataclass import dataclass
from llmesc.records.redactor import Redactor

_Key = tuple[int, str]


@dataclass(slots=True)
class _Waiting:
    event: Event
    is_held: bool = False
    """The last piece of its text so far: it takes what is certain only when the next one, or the end, has come."""


class Deltas:
    """Of one run. Text that is not certain yet goes along with a later piece; the last piece waits, and all events behind it do,
    until its text has ended, or until an event comes that must be on record at once.
    """

    def __init__(self) -> None:
        self._queue: list[_Waiting] = []
        self._redactors: dict[_Key, Redactor] = {}
        self._last: dict[_Key, _Waiting] = {}

    def piece(self, event: TextDelta | ThinkingDelta) -> list[Event]:
        """Takes a piece that is to be redacted; the events that may be recorded now."""
        key = (event.attempt, event.type)
        redactor = self._redactors.setdefault(key, Redactor())
        if key in self._last:
            self._last[key].is_held = False
        self._last[key] = _Waiting(replace(event, text=redactor.feed(event.text)), is_held=True)
        self._queue.append(self._last[key])
        return self._ready()

    def other(self, event: Event) -> list[Event]:
        """Takes any other event, ready as it is; the events that may be recorded now."""
        match event:
            case AttemptFinished() | ToolCallRequested():
                self._end(event.attempt)
            case _:
                pass
        if isinstance(event, AttemptStarted | ToolCallRequested | ToolCallFinished | Waiting | RunFinished):
            for key in list(self._last):
                self._release(key, self._redactors[key].cut())
        self._queue.append(_Waiting(event))
        return self._ready()

    def _end(self, attempt: int) -> None:
        for key in [key for key in self._redactors if key[0] == attempt]:
            self._release(key, self._redactors.pop(key).end())

    def _release(self, key: _Key, rest: str) -> None:
        waiting = self._last.pop(key, None)
        if waiting is not None and isinstance(waiting.event, TextDelta | ThinkingDelta):
            waiting.event = replace(waiting.event, text=waiting.event.text + rest)
            waiting.is_held = False

    def _ready(self) -> list[Event]:
        count = next((index for index, waiting in enumerate(self._queue) if waiting.is_held), len(self._queue))
        ready, self._queue = self._queue[:count], self._queue[count:]
        return [waiting.event for waiting in ready]
