"""The one place where exceptions of HTTP, TLS and sockets become words."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import httpcore
import httpx

from llmesc.providers.transport_error import TransportError


@contextlib.contextmanager
def as_transport_errors(*, in_body: bool = False) -> Iterator[None]:
    """Whatever of HTTP, TLS and sockets goes wrong inside is raised as a `TransportError`; `in_body`: the head has come."""
    try:
        yield
    except (*_OF_HTTP, OSError, ValueError) as error:
        word, detail = _word(error, in_body=in_body)
        # No chain: what is below may hold the request's headers, and with them a key.
        raise TransportError(word, detail) from None


_OF_HTTP = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
"""A connection raises those of httpcore, a client, which only proxies need, those of httpx. They have the same names."""


def _word(error: Exception, *, in_body: bool) -> tuple[str, str]:
    match error:
        case httpx.ConnectTimeout() | httpcore.ConnectTimeout():
            return "connect_timeout", "no connection in time"
        case httpx.ConnectError() | httpcore.ConnectError() | OSError():
            return _connect_word(_root(error))
        case httpx.ProxyError() | httpcore.ProxyError():
            return "connect_refused", f"proxy: {error}"
        case httpx.PoolTimeout() | httpcore.PoolTimeout():
            return "pool_timeout", "no free connection in time"
        case httpx.NetworkError() | httpcore.NetworkError():
            return "reset", _said(_root(error))
        case httpx.RemoteProtocolError() | httpcore.RemoteProtocolError() if in_body:
            return "cut", str(error)
        case httpx.RemoteProtocolError() | httpcore.RemoteProtocolError():
            return ("closed" if "disconnected" in str(error) else "bad_json"), str(error)
        case httpx.DecodingError():
            return "bad_json", str(error)
        case httpx.LocalProtocolError() | httpcore.LocalProtocolError():
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
