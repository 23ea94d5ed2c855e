"""Through a proxy: httpx's client knows the rules of HTTPS_PROXY and NO_PROXY, and how each kind of proxy is spoken to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Iterator

import httpx

from llmesc.providers.http.lane import FIRST_PIECE_BYTES, PIECE_BYTES, Head
from llmesc.providers.http.request import Request
from llmesc.providers.http.words import connect_failure, said
from llmesc.providers.transport_error import TransportError

READ_AHEAD_BYTES = 1024 * 1024
"""What waits at most for a reader that is late."""


class ProxiedLane:
    """A client of one connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        try:
            limits = httpx.Limits(max_connections=1, keepalive_expiry=None)  # whoever keeps the lane knows for how long
            self._client = httpx.AsyncClient(verify=context, limits=limits)
        except (ValueError, ImportError) as error:  # no proxy that httpx knows; SOCKS is another package
            raise TransportError("connect_refused", f"proxy: {error}") from None
        self._response: httpx.Response
        self.is_free = False
        """See `Lane`."""

    async def send(self, request: Request) -> Head:
        """See `Lane`."""
        self.is_free = False
        timeout = {"connect": request.connect_seconds, "pool": request.connect_seconds}
        with as_transport_errors():
            sent = httpx.Request(
                request.method, request.url, headers=request.headers, content=request.body, extensions={"timeout": timeout}
            )
            self._response = await self._client.send(sent, stream=True)
        return Head(self._response.status_code, {name.lower(): value for name, value in self._response.headers.items()})

    async def body(self) -> AsyncGenerator[bytes]:
        """See `Lane`. A task of its own reads ahead, because httpx hands on each of HTTP's chunks for itself, and many of them
        arrive in one read: a reader that is handed each would pay for every token of a burst.
        """
        arrived = bytearray()
        changed, taken = asyncio.Event(), asyncio.Event()

        async def read() -> None:
            unseen_bytes, enough_bytes = 0, FIRST_PIECE_BYTES
            with as_transport_errors(in_body=True):
                async for data in self._response.aiter_raw():
                    arrived.extend(data)
                    changed.set()
                    unseen_bytes += len(data)
                    if unseen_bytes >= enough_bytes:
                        unseen_bytes, enough_bytes = 0, min(enough_bytes * 2, PIECE_BYTES)
                        await asyncio.sleep(0)  # a turn for the reader
                    if len(arrived) > READ_AHEAD_BYTES:
                        taken.clear()
                        await taken.wait()
            self.is_free = True

        reading = asyncio.create_task(read())
        reading.add_done_callback(lambda _: changed.set())
        try:
            while arrived or not reading.done():
                if arrived:
                    data = bytes(arrived)
                    arrived.clear()
                    taken.set()
                    yield data
                else:
                    changed.clear()
                    await changed.wait()
            reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def aclose(self) -> None:
        """See `Lane`."""
        await self._client.aclose()


@contextlib.contextmanager
def as_transport_errors(*, in_body: bool = False) -> Iterator[None]:
    """Whatever httpx says goes wrong inside is raised as a `TransportError`; `in_body`: the head has come."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # No chain: what is below may hold the request's headers, and with them a key.
        raise _failure(error, in_body=in_body) from None


def _failure(error: Exception, *, in_body: bool) -> TransportError:
    match error:
        case httpx.ConnectTimeout():
            return TransportError("connect_timeout", "no connection in time")
        case httpx.ConnectError() | OSError():
            return connect_failure(_root(error))
        case httpx.ProxyError():
            return TransportError("connect_refused", f"proxy: {error}")
        case httpx.PoolTimeout():
            return TransportError("pool_timeout", "no free connection in time")
        case httpx.NetworkError():
            return TransportError("reset", said(_root(error)))
        case httpx.RemoteProtocolError() if in_body:
            return TransportError("cut", str(error))
        case httpx.RemoteProtocolError():
            return TransportError("closed" if "disconnected" in str(error) else "bad_json", str(error))
        case httpx.LocalProtocolError() | UnicodeEncodeError():
            return TransportError("closed", "the request cannot be written as HTTP")
        case _:  # no URL that can be called
            return TransportError("dns", str(error))


def _root(error: BaseException) -> BaseException:
    """What the operating system said first. The layers between hand it on as cause or as argument."""
    while True:
        below = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if isinstance(error, BaseExceptionGroup):
            below = error.exceptions[0]
        if below is None:
            return error
        error = below
