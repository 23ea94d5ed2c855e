"""Streams of JSON documents, one a line (`application/x-ndjson`), decoded from bytes. A line is an event named `message`."""

from __future__ import annotations

from llmesc.providers.sse import MAX_EVENT_BYTES, SseEvent, is_whole
from llmesc.providers.transport_error import TransportError


class LineDecoder:
    """Turns the bytes of one stream into its lines, however they are cut into reads. Blank lines are no events."""

    def __init__(self, max_line_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_line_bytes
        self._rest = b""
        """What came after the last line end."""

    def feed(self, data: bytes) -> list[SseEvent]:
        """The lines that `data` completes. Raises `TransportError` (`too_long`)."""
        # UTF-8 has no LF inside a character, so what ends at one can be decoded for itself.
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest
        if len(self._rest) > self._max or any(len(line) > self._max for line in lines):
            raise TransportError("too_long", f"a line of the stream is longer than {self._max} bytes")
        return [SseEvent("message", text) for line in lines if (text := line.decode("utf-8", "replace").strip())]

    def end(self) -> list[SseEvent]:
        """The last line, where only its end is missing."""
        text = self._rest.decode("utf-8", "replace").strip()
        self._rest = b""
        return [SseEvent("message", text)] if text and is_whole(text) else []
