"""The event streams of HTTP servers (`text/event-stream`), decoded from bytes as the WHATWG standard says.

Two things go beyond the standard, because servers of models do them: a field named `error` is an event of that name, and
an event that the stream's end cuts off from its blank line still counts when its data is whole. `id` and `retry` are
ignored: nothing here reconnects.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from llmesc.providers.transport_error import TransportError

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""No honest event is longer: the largest carry a whole tool call or a whole answer."""

DONE = "[DONE]"
"""The data by which Chat Completions streams say that they are over."""

_BOM = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event. `event` is its name, `message` where none was given."""

    event: str
    data: str


class SseDecoder:
    """Turns the bytes of one stream into events, however they are cut into reads."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._rest = b""
        """What came after the last blank line, its line ends already LF."""
        self._at_start = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes. Raises `TransportError` (`too_long`)."""
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr or b"\r" in data:
            data = self._with_lf(data)
        data = self._rest + data
        end = data.rfind(b"\n\n")
        self._rest = data[end + 2 :] if end >= 0 else data
        if len(data) > self._max and max(map(len, data.split(b"\n\n"))) > self._max:
            raise TransportError("too_long", f"an event of the stream is longer than {self._max} bytes")
        if end < 0:
            return []
        events: list[SseEvent] = []
        # UTF-8 has no LF inside a character, so what ends at one can be decoded for itself.
        for block in data[:end].decode("utf-8", "replace").split("\n\n"):
            if block.startswith("data: ") and "\n" not in block:
                events.append(SseEvent("message", block[6:]))
            else:
                events += _events(block)
        return events

    def end(self) -> list[SseEvent]:
        """What the end of the stream cut off, as far as it is whole."""
        cut_off = _events(self._rest.decode("utf-8", "replace"))
        self._rest = b""
        return [event for event in cut_off if is_whole(event.data)]

    def _without_bom(self, data: bytes) -> bytes:
        """`data` without the byte order mark; nothing while it is not clear whether there is one."""
        data, self._rest = self._rest + data, b""
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._rest = data
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _with_lf(self, data: bytes) -> bytes:
        """`data` with every line end as LF; a CR LF that two reads share is one."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data.endswith(b"\r"):
            self._after_cr = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _events(block: str) -> list[SseEvent]:
    """The events of the lines before one blank line: at most one, and one more for each `error` field."""
    events: list[SseEvent] = []
    name = ""
    data: list[str] = []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "error":
            events.append(SseEvent("error", value))
    if data:  # one empty line is data too
        events.append(SseEvent(name or "message", "\n".join(data)))
    return events


def is_whole(data: str) -> bool:
    """Whether the data of an event that the end of a stream cut off is all there."""
    if data.strip() == DONE:
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
