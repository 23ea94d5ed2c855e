"""One request at the fault server, and every way to answer it that a socket allows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import field
from http import HTTPStatus
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.faults.wire import FaultWire, asked

_SECRET_HEADERS = frozenset(("authorization", "api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "cookie"))


@dataclass(slots=True, kw_only=True)
class Recorded:
    """What a client sent, without its credentials."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Lower case."""
    body: Any
    """Parsed, or None."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client hung up before its answer had ended."""

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return asked(self.path, self.body)[0]

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return asked(self.path, self.body)[1]


class ClientLeft(Exception):
    """The client hung up."""


class Exchange:
    """One request and the connection it came on; behaviours write what they like."""

    def __init__(self, request: Recorded, wire: FaultWire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.wire = wire
        self.open = True
        """Whether the connection can take another request."""
        self._reader = reader
        self._writer = writer

    async def respond(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole response."""
        await self.head(status, {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))})
        await self.send(body)

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status line and headers."""
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        await self.send("\r\n".join(lines).encode("latin-1"))

    async def open_stream(self, headers: Mapping[str, str] | None = None) -> None:
        """The head of a stream in HTTP chunks."""
        await self.head(200, {"content-type": self.wire.content_type, "transfer-encoding": "chunked", **(headers or {})})

    async def chunks(self, *frames: bytes) -> None:
        """Frames of a stream, each an HTTP chunk, in one write."""
        await self.send(b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames if frame))

    async def end_stream(self) -> None:
        """The proper end of HTTP chunks."""
        await self.send(b"0\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Raw bytes. Raises `ConnectionError` when nobody takes them any more."""
        self._writer.write(data)
        await self._writer.drain()

    async def pause(self, seconds: float | None) -> None:
        """Waits, for ever when None. Raises `ClientLeft` as soon as the client hangs up."""
        try:
            async with asyncio.timeout(seconds):
                if not await self._reader.read(1):
                    raise ClientLeft
        except TimeoutError:
            pass

    def close(self) -> None:
        """Hangs up after what was written."""
        self.open = False

    def reset(self) -> None:
        """Hangs up with a TCP reset, which throws away what is still on its way."""
        self.open = False
        connection = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client was faster
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> tuple[Recorded, Mapping[str, str]] | None:
    """The next request and all of its headers; None when the client hung up before it was whole."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, path, _ = first.split(" ", 2)
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    shown = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
    return Recorded(method=method, path=path, headers=shown, body=body), headers
