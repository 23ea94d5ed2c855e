"""A request as it leaves, and where to."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import httpx

from llmesc.providers.transport_error import TransportError

_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """What a URL names, in ASCII as HTTP writes it."""

    scheme: str
    host: str
    port: int
    authority: str
    """Host and port as the header `Host` has them."""
    path: str
    """With the query."""


class Request(NamedTuple):
    """One request. `headers` are by their names in lower case, without those that say where it goes and how long it is."""

    method: str
    url: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None
    connect_seconds: float


@functools.lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """Where `url` leads, remembered: an engine calls few. Raises `TransportError` (`dns`) where it names nobody to call."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise TransportError("dns", str(error)) from None
    port = _PORTS.get(parsed.scheme) if parsed.port is None else parsed.port
    if port is None or parsed.scheme not in _PORTS:
        raise TransportError("dns", "a URL begins with http:// or https://")
    if not parsed.host or port > 65535:
        raise TransportError("dns", "a URL names a host, and a port up to 65535 where it names one")
    return Target(parsed.scheme, parsed.raw_host.decode(), port, parsed.netloc.decode(), parsed.raw_path.decode())
