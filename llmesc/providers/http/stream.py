"""The bytes of one connection.

A stream has one reader, and one that was left in mid-reply is closed, so nothing is guarded here. Nothing waits for room to write
either: a request is whole before it leaves, and its server may answer before it has taken all of it.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from ipaddress import ip_address

from llmesc.providers.http.words import connect_failure, said
from llmesc.providers.transport_error import TransportError

READ_BYTES = 64 * 1024
"""What one read gives at most."""
MOST_WAITING_BYTES = 256 * 1024
"""What is taken from the kernel at most before somebody reads it."""
NEXT_ADDRESS_SECONDS = 0.25
"""How long an address may be silent before the next one of the same name is tried beside it (RFC 8305, Happy Eyeballs)."""


class Stream(asyncio.Protocol):
    """One connection. Reads what has come, in the order of its coming."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._arrived = bytearray()
        self._over = False
        """Whether nothing more will come."""
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open and nothing is under way on it, in either direction."""
        return not (self._over or self._arrived or self._transport.get_write_buffer_size() or self._is_heard())

    def write(self, data: bytes) -> None:
        """Sends it, as fast as the server takes it. What came of it is for the reading to tell."""
        if not self._over:
            self._transport.write(data)

    async def read(self) -> bytes:
        """What has come, waiting where nothing has; nothing at the end. Raises `TransportError` (`reset`)."""
        if not self._arrived and not self._over:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if self._arrived:
            data = bytes(self._arrived[:READ_BYTES])
            del self._arrived[:READ_BYTES]
            if not self._arrived:
                self._transport.resume_reading()
            return data
        if self._error is not None:
            raise TransportError("reset", said(self._error))
        return b""

    async def aclose(self) -> None:
        """Hangs up at once."""
        self._transport.abort()
        await asyncio.sleep(0)  # the socket is closed when the loop turns next, which may be its last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        self._arrived += data
        if len(self._arrived) > MOST_WAITING_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Of asyncio: the server sends nothing more, so there is nothing more to ask of it."""
        self._over = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio."""
        self._over, self._error = True, exc
        self._wake()

    def _is_heard(self) -> bool:
        """Whether the kernel has something, if only the end: the loop hands on at its next turn what came since its last."""
        number = self._transport.get_extra_info("socket").fileno()
        if not hasattr(select, "poll"):  # Windows, whose select has no highest number
            return bool(select.select([number], [], [], 0)[0])
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def is_address(host: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def connected(host: str, port: int, context: ssl.SSLContext | None, within_seconds: float) -> Stream:
    """A stream to there, of TLS where there is a `context`. Raises `TransportError`."""
    # Of one address there is no next; and a race that is cancelled in its last moment forgets the socket it has won.
    next_address_seconds = None if is_address(host) else NEXT_ADDRESS_SECONDS
    name = host if context else None
    try:
        async with asyncio.timeout(within_seconds):
            _, stream = await asyncio.get_running_loop().create_connection(
                Stream, host, port, ssl=context, server_hostname=name, happy_eyeballs_delay=next_address_seconds
            )
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that can be looked up
        raise connect_failure(error) from None
    return stream
