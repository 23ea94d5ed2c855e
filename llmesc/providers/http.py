"""The one HTTP client: bytes out, status, headers and bytes in, and every way it can fail as one word.

Nothing else in llmesc imports httpx or maps the exceptions of sockets, TLS and HTTP. httpx takes a tenth of a second to
import, so only wires import this file. The seam is `Http.send`: another transport can be put behind it. One send is one
request, without retries or redirects, because a question that leaves twice costs twice.

Each concurrent call has a lane: a pool of one connection, taken from the top of a stack and put back. A pool that all calls
share looks through all of its connections at every call, so that each of fifty at once costs several times as much as one.

There is no read timeout here. Whether an answer is alive is decided by its content, above; to stop waiting is to cancel,
and that drops the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from importlib.metadata import version
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from llmesc.providers.transport_error import TransportError

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A whole answer is never longer."""
READ_AHEAD_BYTES = 1024 * 1024
"""What waits at most for a reader that is late."""
MAX_ERROR_BODY_BYTES = 64 * 1024
"""What is read of a refusal; the rest says nothing new."""
ERROR_BODY_SECONDS = 2.0
"""How long a refusal may take to explain itself."""
MAX_IDLE_LANES = 16
"""Connections to one server that are kept for later."""
KEEPALIVE_SECONDS = {"http": 4.0, "https": 30.0}
"""How long an idle connection is trusted. A request that meets its closing would be lost, and nothing is sent twice: model
servers without TLS hang up after five seconds, the fronts of hosted ones after a minute or more."""

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")


class Reply:
    """A response whose head has come. Its body can be taken once, as it arrives or whole."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.complete = False
        """Whether the body was read to its end, so that the connection can serve again."""
        self._response = response

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The server's own name for this exchange."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    @property
    def limit_headers(self) -> Mapping[str, str]:
        """What the server says about its limits; harmless to keep."""
        return {name: value for name, value in self.headers.items() if "ratelimit" in name or name.startswith("retry-after")}

    @property
    def is_last(self) -> bool:
        """Whether the server hangs up behind the body without saying so, as llama.cpp does behind every stream: a request that is
        sent before that arrives is lost.
        """
        return self.headers.get("server") == "llama.cpp" and "content-length" not in self.headers

    @property
    def redirects_to(self) -> str | None:
        """Where another server is named, without what its query may hide."""
        if not self._response.has_redirect_location:
            return None
        target = urlsplit(self.headers["location"])
        return f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}" if target.netloc else target.path

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it arrives; what has come by the time it is asked for is one piece. Raises `TransportError`.

        HTTP chunks are read ahead by a task of their own, because many of them arrive in one read: a reader that is handed each
        for itself pays for every token of a burst, and the later it is, the more it pays.
        """
        arrived = bytearray()
        changed, taken = asyncio.Event(), asyncio.Event()

        async def read_ahead() -> None:
            with as_transport_errors(in_body=True):
                async for data in self._response.aiter_bytes():
                    arrived.extend(data)
                    changed.set()
                    if len(arrived) > READ_AHEAD_BYTES:
                        taken.clear()
                        await taken.wait()
            self.complete = True

        reading = asyncio.create_task(read_ahead())
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

    async def error_body(self) -> bytes:
        """As much of the body as can be had and is worth having. Raises nothing: the status says enough."""
        body = bytearray()
        with contextlib.suppress(TransportError, TimeoutError):
            async with asyncio.timeout(ERROR_BODY_SECONDS), contextlib.aclosing(self.chunks()) as chunks:
                async for data in chunks:
                    body += data
                    if len(body) >= MAX_ERROR_BODY_BYTES:
                        break
        return bytes(body[:MAX_ERROR_BODY_BYTES])


async def whole(chunks: AsyncGenerator[bytes], start: bytes = b"") -> bytes:
    """A whole body of which `start` was read already. Raises `TransportError`, `too_long` beyond `MAX_BODY_BYTES`."""
    body = bytearray(start)
    async with contextlib.aclosing(chunks):
        async for data in chunks:
            body += data
            if len(body) > MAX_BODY_BYTES:
                raise TransportError("too_long", f"the body is longer than {MAX_BODY_BYTES} bytes")
    return bytes(body)


class _Lane(NamedTuple):
    send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    aclose: Callable[[], Awaitable[None]]


class Http:
    """The connections of all providers of one registry; no connection before the first request."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[_Lane]] = {}
        """By scheme and host with port; the one used last is on top."""
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._building_context = asyncio.Lock()
        self._proxied: bool | None = None

    @contextlib.asynccontextmanager
    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, connect_seconds: float
    ) -> AsyncIterator[Reply]:
        """Sends one request and gives its reply; leaving the block drops what is not read. Raises `TransportError`,
        for a redirect as well. Cancelling it anywhere closes the connection at once.
        """
        with as_transport_errors():
            parts = urlsplit(url)
            request = httpx.Request(
                method,
                url,
                headers={"user-agent": user_agent(), "accept-encoding": "identity", **headers},
                content=body,
                extensions={"timeout": {"connect": connect_seconds, "pool": connect_seconds}},
            )
        idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
        lane = idle.pop() if idle else self._lane(parts.scheme, parts.hostname or "", await self._context(parts.scheme))
        reply: Reply | None = None
        try:
            with as_transport_errors():
                reply = Reply(await lane.send(request))
            if reply.redirects_to is not None:
                raise TransportError("redirect", f"{reply.status} to {reply.redirects_to}")
            yield reply
        finally:
            # A lane that was left in mid-reply is thrown away with its connection: a pool does not always survive a cancel.
            if reply is not None and reply.complete and not reply.is_last and len(idle) < MAX_IDLE_LANES:
                idle.append(lane)
            else:
                await lane.aclose()

    async def aclose(self) -> None:
        """Closes every idle connection."""
        lanes = [lane for idle in self._idle.values() for lane in idle]
        self._idle.clear()
        for lane in lanes:
            await lane.aclose()

    async def _context(self, scheme: str) -> ssl.SSLContext:
        """Reading the trusted certificates takes 100 ms: done once, off the loop, and only when TLS is really spoken."""
        async with self._building_context:
            if scheme not in self._contexts:
                if scheme == "https":
                    try:
                        self._contexts[scheme] = await asyncio.to_thread(httpx.create_ssl_context)
                    except OSError as error:
                        raise TransportError("tls", f"the trusted certificates cannot be loaded: {error}") from None
                else:
                    self._contexts[scheme] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and trusts nobody
            return self._contexts[scheme]

    def _lane(self, scheme: str, host: str, context: ssl.SSLContext) -> _Lane:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_SECONDS.get(scheme))
        if self._proxied is None:
            self._proxied = not getproxies().keys().isdisjoint(("http", "https", "all"))
        if self._proxied and not _is_loopback(host):
            # The client knows the rules of HTTPS_PROXY and NO_PROXY; without them its transport alone is half the cost.
            client = httpx.AsyncClient(verify=context, limits=limits)
            return _Lane(functools.partial(client.send, stream=True), client.aclose)
        transport = httpx.AsyncHTTPTransport(verify=context, limits=limits)
        return _Lane(transport.handle_async_request, transport.aclose)


@functools.cache
def user_agent() -> str:
    """How llmesc names itself."""
    return f"llmesc/{version('llmesc')}"


def _is_loopback(host: str) -> bool:
    """Whether no proxy can be meant: what answers on this machine is asked directly."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def as_transport_errors(*, in_body: bool = False) -> Iterator[None]:
    """The one place where exceptions of HTTP, TLS and sockets become words."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        word, detail = _word(error, in_body=in_body)
        # No chain: what is below may hold the request's headers, and with them a key.
        raise TransportError(word, detail) from None


def _word(error: Exception, *, in_body: bool) -> tuple[str, str]:
    match error:
        case httpx.ConnectTimeout():
            return "connect_timeout", "no connection in time"
        case httpx.ConnectError() | OSError():
            return _connect_word(_root(error))
        case httpx.ProxyError():
            return "connect_refused", f"proxy: {error}"
        case httpx.PoolTimeout():
            return "pool_timeout", "no free connection in time"
        case httpx.NetworkError():
            return "reset", _said(_root(error))
        case httpx.RemoteProtocolError() if in_body:
            return "cut", str(error)
        case httpx.RemoteProtocolError():
            return ("closed" if "disconnected" in str(error) else "bad_json"), str(error)
        case httpx.DecodingError():
            return "bad_json", str(error)
        case httpx.LocalProtocolError():
            return "closed", "the request cannot be written as HTTP"
        case _:  # no URL that can be called: its scheme, its port, the name of its host
            return "dns", str(error)


def _connect_word(root: BaseException) -> tuple[str, str]:
    match root:
        case ssl.SSLError():
            return "tls", _said(root)
        case socket.gaierror():
            return "dns", _said(root)
        case TimeoutError():
            return "connect_timeout", _said(root)
        case OSError() if not isinstance(root, ConnectionResetError | BrokenPipeError):
            return "connect_refused", _said(root)
        case _:
            return "reset", _said(root)


def _root(error: BaseException) -> BaseException:
    """What the operating system said first. The layers between hand it on as cause or as argument."""
    while True:
        below = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if isinstance(error, BaseExceptionGroup):
            below = error.exceptions[0]
        if below is None:
            return error
        error = below


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
