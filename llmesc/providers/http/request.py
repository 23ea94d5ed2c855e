"""A request as it leaves, and where to."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from llmesc.providers.transport_error import TransportError

_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "!$%&'()*+,/:;=@[\\]^|~"
_QUERY_SAFE = _PATH_SAFE + "?`{}"
"""What stays as it is written, beside letters, digits and `_.-`: https://url.spec.whatwg.org/#percent-encoded-bytes."""


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

    def __repr__(self) -> str:
        """Nothing of its headers, which hold a key, nor of its body."""
        return f"<{self.method} to {self.target.authority}>"


@functools.lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """Where `url` leads, remembered: an engine calls few. Raises `TransportError` (`dns`) where it names nobody to call.

    httpx reads URLs to the same effect, and takes 25 ms to import: a server on this machine needs nothing else of it.
    """
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme, parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise TransportError("dns", f"no URL: {error}") from None
    if scheme not in _PORTS or not host:
        raise TransportError("dns", "a URL begins with http:// or https:// and the name of a host")
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[scheme]:
        authority += f":{port}"
    path = quote(parts.path, safe=_PATH_SAFE) or "/"
    if parts.query:
        path += "?" + quote(parts.query, safe=_QUERY_SAFE)
    return Target(scheme, host, _PORTS[scheme] if port is None else port, authority, path)
