"""A lane: one connection to one server, for one request at a time.

`Connection` is a transport of httpx over one connection of httpcore, the engine below httpx. httpx's own transport keeps a pool,
and even a pool of one costs as much as the rest of a request: 655 µs of processor time a call through it, 350 µs without, 300 µs
over a `Stream` (httpx 0.28.1 and httpcore 1.0.9; the pool searches for idle connections, and its locks look each time for a
package that is not there).

What else could be put behind the same interface, measured in the same minute (httpx2 2.16, httpx-aiohttp 0.2 over aiohttp 3.14):

| transport | a call | a token of a burst | to import |
| --- | --: | --: | --: |
| httpx's own | 655 µs | 8.6 µs | 90 ms |
| httpx2's | 464 µs | 8.6 µs | 115 ms |
| httpx-aiohttp | 299 µs | 1.6 µs | 240 ms |
| this | 300 µs | 7.6 µs | 90 ms |

aiohttp's parser is written in C. It would save a stream of 50 tokens a second a three-thousandth of a core, and cost every
`ask` 150 ms and ten more packages: not worth a second way to be right about TLS, proxies and cancelling.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import httpcore
import httpx

from llmesc.providers.http.stream import connected


class Lane(NamedTuple):
    """What a request needs of whatever sends it."""

    send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    aclose: Callable[[], Awaitable[None]]


def direct_lane(context: ssl.SSLContext, keepalive_seconds: float | None) -> Lane:
    """Straight to the server."""
    connection = Connection(context, keepalive_seconds)
    return Lane(connection.handle_async_request, connection.aclose)


def proxied_lane(context: ssl.SSLContext, keepalive_seconds: float | None) -> Lane:
    """Through whatever the environment names: httpx's client knows the rules of HTTPS_PROXY and NO_PROXY."""
    limits = httpx.Limits(max_connections=1, keepalive_expiry=keepalive_seconds)
    client = httpx.AsyncClient(verify=context, limits=limits)

    async def send(request: httpx.Request) -> httpx.Response:
        return await client.send(request, stream=True)

    return Lane(send, client.aclose)


class Connection(httpx.AsyncBaseTransport):
    """One connection, opened by the first request and again where the server has closed it or it was idle for too long."""

    def __init__(self, context: ssl.SSLContext, keepalive_seconds: float | None) -> None:
        self._context = context
        self._keepalive_seconds = keepalive_seconds
        self._open: httpcore.AsyncHTTP11Connection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it. Raises what httpcore raises; cancelling it closes the connection."""
        if request.url.scheme not in {"http", "https"}:
            raise httpcore.UnsupportedProtocol("a URL begins with http:// or https://")
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        if self._open is not None and (self._open.is_closed() or self._open.has_expired()):
            await self.aclose()
        if self._open is None:
            self._open = await self._connect(url.origin, request.extensions["timeout"]["connect"])
        response = await self._open.handle_async_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, content=_sent(request))
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Closes what is open."""
        if self._open is not None:
            connection, self._open = self._open, None
            await connection.aclose()

    async def _connect(self, origin: httpcore.Origin, within_seconds: float) -> httpcore.AsyncHTTP11Connection:
        context = self._context if origin.scheme == b"https" else None
        stream = await connected(origin.host.decode("ascii"), origin.port, context, within_seconds)
        return httpcore.AsyncHTTP11Connection(origin, stream, self._keepalive_seconds)


class _Body(httpx.AsyncByteStream):
    """What httpcore reads, as httpx hands it on."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()

    async def aclose(self) -> None:
        await self._response.aclose()


def _sent(request: httpx.Request) -> AsyncIterator[bytes]:
    assert isinstance(request.stream, httpx.AsyncByteStream), "requests are made of bytes, which stream both ways"
    return aiter(request.stream)
