"""What to do about a connection that failed on its way through a proxy, which says nothing of the server behind it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from llmesc.escalation.failures import Failure, FailureKind


def proxy_advice(failure: Failure, endpoint: str, environ: Mapping[str, str]) -> str | None:
    """The next thing to do where a call to `endpoint` goes through a proxy of the environment; None where it does not, or where
    something answered. Names the variable, never its URL, which may hold a password.
    """
    if failure.kind is not FailureKind.CONNECTION or failure.status is not None:
        return None
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_PROXY".upper(), "all_proxy", "ALL_PROXY")
    name = next((name for name in names if environ.get(name)), None)
    if name is None or not host or _is_this_machine(host) or _is_spared(host, environ):
        return None
    return f"It is called through the proxy that ${name} names: is that right, and does it run? $NO_PROXY={host} goes past it."


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_spared(host: str, environ: Mapping[str, str]) -> bool:
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for entry in (part.strip().lstrip("*").lstrip(".") for part in spared.split(",")):
        if entry and (host == entry or host.endswith(f".{entry}")):
            return True
    return "*" in (part.strip() for part in spared.split(","))
