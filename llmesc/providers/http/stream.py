"""The bytes of one connection, for httpcore, which takes any network below it.

httpcore brings a network of its own, over anyio. That guards each read and each write with cancel scopes and pauses the reader
between them: a seventh of what a call costs. Nothing of it is needed here: who waits is cancelled from above, and a connection
that was left in the middle is closed.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import Any

import httpcore

MOST_UNSENT_BYTES = 16 * 1024
"""What is gathered before it is sent: a head, and most bodies."""
MOST_WAITING_BYTES = 256 * 1024
"""What is taken from the kernel at most before somebody reads it."""
NEXT_ADDRESS_SECONDS = 0.25
"""How long an address may be silent before the next one of the same name is tried beside it (RFC 8305, Happy Eyeballs)."""


class Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection. Reads what has come, in the order of its coming."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._arrived = bytearray()
        self._unsent = bytearray()
        self._over = False
        """Whether nothing more will come."""
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        """Whoever waits for room; there while there is none."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - of httpcore
        """What has come, waiting where nothing has; nothing at the end. Raises `httpcore.ReadError`. No timeout is set here."""
        self._send()
        if not self._arrived and not self._over:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if self._arrived:
            data = bytes(self._arrived[:max_bytes])
            del self._arrived[:max_bytes]
            if not self._arrived:
                self._transport.resume_reading()
            return data
        if self._error is not None:
            raise httpcore.ReadError(self._error) from self._error
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - of httpcore
        """Sends it with whatever else is written before the next read: a head and its body leave in one piece. Waits while there
        is no room. Raises `httpcore.WriteError`. No timeout is set here.
        """
        if self._over:
            error = self._error or ConnectionResetError("the server has closed the connection")
            raise httpcore.WriteError(error) from error
        self._unsent += buffer
        if len(self._unsent) > MOST_UNSENT_BYTES:
            self._send()
        if self._writer is not None:
            await self._writer

    def _send(self) -> None:
        if self._unsent:
            self._transport.write(self._unsent)
            self._unsent = bytearray()

    async def aclose(self) -> None:
        """Hangs up at once."""
        self._transport.abort()
        await asyncio.sleep(0)  # the socket is closed when the loop turns next, which may be its last

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never asked for: a connection speaks TLS from its start, or not at all."""
        raise NotImplementedError

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: whether something came, if only the end."""
        return self._over or bool(self._arrived) if info == "is_readable" else self._transport.get_extra_info(info)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        self._arrived += data
        if len(self._arrived) > MOST_WAITING_BYTES:
            self._transport.pause_reading()
        self._wake(self._reader)

    def eof_received(self) -> bool:
        """Of asyncio: the server sends nothing more, so there is nothing more to ask of it."""
        self._over = True
        self._wake(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio."""
        self._over, self._error = True, exc
        self._wake(self._reader)
        self.resume_writing()

    def pause_writing(self) -> None:
        """Of asyncio."""
        self._writer = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Of asyncio."""
        waiting, self._writer = self._writer, None
        self._wake(waiting)

    @staticmethod
    def _wake(waiting: asyncio.Future[None] | None) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def is_address(host: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def connected(host: str, port: int, context: ssl.SSLContext | None, within_seconds: float) -> Stream:
    """A stream to there, of TLS where there is a `context`. Raises `httpcore.ConnectTimeout` and `httpcore.ConnectError`."""
    # Of one address there is no next; and a race that is cancelled in its last moment forgets the socket it has won.
    next_address_seconds = None if is_address(host) else NEXT_ADDRESS_SECONDS
    name = host if context else None
    try:
        async with asyncio.timeout(within_seconds):
            _, stream = await asyncio.get_running_loop().create_connection(
                Stream, host, port, ssl=context, server_hostname=name, happy_eyeballs_delay=next_address_seconds
            )
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(error) from error
    except OSError as error:
        raise httpcore.ConnectError(error) from error
    return stream
