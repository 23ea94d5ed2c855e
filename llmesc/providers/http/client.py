"""Sends requests, each in a lane of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from llmesc import __version__
from llmesc.providers.http.direct import DirectLane
from llmesc.providers.http.lane import Lane
from llmesc.providers.http.reply import Reply
from llmesc.providers.http.request import Request, Target, target_of
from llmesc.providers.http.stream import connected
from llmesc.providers.transport_error import TransportError

MAX_IDLE_LANES = 16
"""Connections to one server that are kept for later."""
KEEPALIVE_SECONDS = {"http": 4.0, "https": 30.0}
"""How long an idle connection is trusted. A request that meets its closing would be lost, and nothing is sent twice: model
servers without TLS hang up after five seconds, the fronts of hosted ones after a minute or more."""

USER_AGENT = f"llmesc/{__version__}"
"""How llmesc names itself."""


class _Idle(NamedTuple):
    lane: Lane
    until_seconds: float
    """On the clock of the event loop."""


class Http:
    """The connections of all providers of one registry; no connection before the first request."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[_Idle]] = {}
        """By scheme and authority; the one used last is on top."""
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
        target = target_of(url)
        own = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
        request = Request(method, url, target, {**own, **headers}, body, connect_seconds)
        idle = self._idle.setdefault((target.scheme, target.authority), [])
        lane = await _taken(idle) or await self._opened(target, connect_seconds)
        reply: Reply | None = None
        try:
            reply = Reply(await lane.send(request), lane.body())
            if reply.redirects_to is not None:
                raise TransportError("redirect", f"{reply.status} to {reply.redirects_to}")
            yield reply
        finally:
            # A lane that was left in mid-reply is thrown away with its connection.
            if reply is not None and lane.is_free and not reply.is_last and len(idle) < MAX_IDLE_LANES:
                idle.append(_Idle(lane, asyncio.get_running_loop().time() + KEEPALIVE_SECONDS[target.scheme]))
            else:
                await lane.aclose()

    async def aclose(self) -> None:
        """Closes every idle connection."""
        lanes = [lane for idle in self._idle.values() for lane, _ in idle]
        self._idle.clear()
        for lane in lanes:
            await lane.aclose()

    async def _context(self, scheme: str) -> ssl.SSLContext:
        """Reading the trusted certificates takes 100 ms: done once, off the loop, and only when TLS is really spoken."""
        if scheme in self._contexts:
            return self._contexts[scheme]
        async with self._building_context:
            if scheme not in self._contexts:
                if scheme == "https":
                    self._contexts[scheme] = await asyncio.to_thread(_trusting_context)
                else:
                    self._contexts[scheme] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and trusts nobody
            return self._contexts[scheme]

    async def _opened(self, target: Target, connect_seconds: float) -> Lane:
        if not _is_loopback(target.host) and self._goes_through_a_proxy():
            from llmesc.providers.http.proxied import ProxiedLane

            return ProxiedLane(await self._context(target.scheme))
        context = await self._context("https") if target.scheme == "https" else None
        return DirectLane(await connected(target.host, target.port, context, connect_seconds))

    def _goes_through_a_proxy(self) -> bool:
        if self._proxied is None:
            from urllib.request import getproxies  # 15 ms, for servers elsewhere alone

            self._proxied = not getproxies().keys().isdisjoint(("http", "https", "all"))
        return self._proxied


async def _taken(idle: list[_Idle]) -> Lane | None:
    """The one on top that can still be trusted; those above it are closed."""
    while idle:
        lane, until_seconds = idle.pop()
        if lane.is_free and asyncio.get_running_loop().time() < until_seconds:
            return lane
        await lane.aclose()
    return None


def _trusting_context() -> ssl.SSLContext:
    """Whom SSL_CERT_FILE or SSL_CERT_DIR names is trusted, or whom certifi does. Raises `TransportError`."""
    import httpx

    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        raise TransportError("tls", f"the trusted certificates cannot be loaded: {error}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _is_loopback(host: str) -> bool:
    """Whether no proxy can be meant: what answers on this machine is asked directly."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
