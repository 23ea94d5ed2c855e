"""Straight to the server: HTTP/1.1 over one connection, read and written by h11.

h11 knows where each message begins and ends, and whether another may follow it. It neither waits nor reads: that is the stream's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

import h11

from llmesc.providers.http.lane import FIRST_PIECE_BYTES, PIECE_BYTES, Head
from llmesc.providers.http.request import Request
from llmesc.providers.http.stream import Stream
from llmesc.providers.transport_error import TransportError

MOST_HEAD_BYTES = 100 * 1024
"""Of a status line with its headers, and of the line before a chunk."""


class DirectLane:
    """One connection to one server."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT)
        """Of the last request; each has one of its own, so that nothing is left of the one before."""

    async def send(self, request: Request) -> Head:
        """See `Lane`."""
        self._http = h11.Connection(h11.CLIENT, MOST_HEAD_BYTES)
        self._stream.write(self._written(request))
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise TransportError("bad_json", str(error)) from None
            if type(event) is h11.Response:
                return Head(event.status_code, _by_name(event.headers.raw_items()))
            if event is h11.PAUSED:
                raise TransportError("bad_json", "the server switches to another protocol")
            if event is h11.NEED_DATA:  # and no word in between, as 100 Continue or 103 Early Hints
                data = await self._stream.read()
                if not data:
                    raise TransportError("closed", "the server hung up without an answer")
                self._http.receive_data(data)

    async def body(self) -> AsyncGenerator[bytes]:
        """See `Lane`."""
        piece, enough_bytes, broken = bytearray(), FIRST_PIECE_BYTES, ""
        try:
            while type(event := self._http.next_event()) is not h11.EndOfMessage:
                if type(event) is h11.Data:
                    piece += event.data
                if len(piece) >= enough_bytes:
                    yield bytes(piece)
                    piece.clear()
                    enough_bytes = min(enough_bytes * 2, PIECE_BYTES)
                    await asyncio.sleep(0)  # a turn for all who wait for it: the beginning of a burst is not kept for its end
                elif piece and event is h11.NEED_DATA:
                    yield bytes(piece)
                    piece.clear()
                elif event is h11.NEED_DATA:
                    self._http.receive_data(await self._stream.read())
        except h11.RemoteProtocolError as error:
            broken = str(error)
        if piece:
            yield bytes(piece)
        if broken:
            raise TransportError("cut", broken)

    @property
    def is_free(self) -> bool:
        """See `Lane`. What came behind the reply, asked for by nobody, would be taken for the next one."""
        both_done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        return both_done and not self._http.trailing_data[0] and self._stream.is_quiet

    async def aclose(self) -> None:
        """See `Lane`."""
        await self._stream.aclose()

    def _written(self, request: Request) -> bytes:
        """All of it in one piece. Raises `TransportError` without repeating what cannot be written: it may be a key."""
        headers = {"host": request.target.authority, **request.headers}
        if request.body is not None or request.method != "GET":
            headers["content-length"] = str(len(request.body or b""))
        try:
            head = h11.Request(method=request.method, target=request.target.path, headers=list(headers.items()))
            return self._http.send(head) + self._http.send(h11.Data(request.body or b"")) + self._http.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeEncodeError):
            raise TransportError("closed", "the request cannot be written as HTTP") from None


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    by_name: dict[str, str] = {}
    for raw_name, value in headers:
        name, text = raw_name.decode("ascii").lower(), _text(value)
        by_name[name] = f"{by_name[name]}, {text}" if name in by_name else text
    return by_name


def _text(value: bytes) -> str:
    """ASCII as good as always; what is no UTF-8 besides is Latin-1, as the standard once had it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
