"""Which models a server on this machine offers. Raw sockets: an HTTP client costs more time to import than this may take."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_LARGEST_ANSWER = 4_000_000


class FoundModel(NamedTuple):
    """A model in a server's list."""

    name: str
    context_window: int | None
    """Only where the server says how long a prompt it takes (vLLM does), not what the model was trained for."""


def probe(lists: Mapping[str, str], timeout_seconds: float) -> dict[str, tuple[FoundModel, ...]]:
    """The models behind each base URL that answers, all asked at once; `lists` has the path of their list by base URL.

    Never raises, never takes longer than `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    found: dict[str, tuple[FoundModel, ...]] = {}

    def ask(url: str) -> None:
        with suppress(OSError, ValueError, RecursionError):  # nobody there, too slow, or something else than a model server
            found[url] = _chat_models(_get(f"{url}/{lists[url]}", deadline))

    threads = [Thread(target=ask, args=(url,), daemon=True) for url in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {url: models for url, models in tuple(found.items()) if models}


def _get(url: str, deadline: float) -> Any:
    """The JSON behind `url`. HTTP/1.0, so that the answer is neither chunked nor followed by another."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_left(deadline)) as connection:
        connection.sendall(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n\r\n".encode())
        answer = bytearray()
        while len(answer) < _LARGEST_ANSWER:
            connection.settimeout(_left(deadline))
            if not (piece := connection.recv(65_536)):
                break
            answer += piece
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise ValueError("not 200")
    return json.loads(body)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _chat_models(answer: Any) -> tuple[FoundModel, ...]:
    """The models in a list, by name, without those that only embed. Ollama's own list has other words than the rest."""
    listed = (answer.get("data") or answer.get("models")) if isinstance(answer, dict) else None
    found: dict[str, FoundModel] = {}
    for item in listed if isinstance(listed, list) else ():
        name = (item.get("id") or item.get("name")) if isinstance(item, dict) else None
        if isinstance(name, str) and name.strip() and name.isprintable() and "embed" not in name.lower():
            window = item.get("max_model_len")
            found[name] = FoundModel(name, window if type(window) is int and window > 0 else None)
    return tuple(found[name] for name in sorted(found))
