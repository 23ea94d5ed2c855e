"""What sockets and TLS say, as the words of a `TransportError`."""

from __future__ import annotations

import socket
import ssl

from llmesc.providers.transport_error import TransportError


def connect_failure(error: BaseException) -> TransportError:
    """Why there is no connection."""
    match error:
        case ssl.SSLError():
            return TransportError("tls", said(error))
        case socket.gaierror():
            return TransportError("dns", said(error))
        case TimeoutError():
            return TransportError("connect_timeout", said(error) if error.args else "no connection in time")
        case OSError() if not isinstance(error, ConnectionResetError | BrokenPipeError):
            return TransportError("connect_refused", said(error))
        case UnicodeError():  # a host that cannot be a name
            return TransportError("dns", str(error))
        case _:
            return TransportError("reset", said(error))


def said(error: BaseException) -> str:
    """For people, with the kind of error where its text alone would not say."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
