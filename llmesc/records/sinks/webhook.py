"""Events as JSON arrays to an HTTP endpoint, signed so that it can tell who sent them.

What the endpoint does to verify one, with the bytes of the body as they came:

    expected = hmac.new(secret, timestamp.encode() + b"." + body, "sha256").hexdigest()
    genuine = hmac.compare_digest(f"sha256={expected}", signature) and abs(time.time() - int(timestamp)) < 300
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from llmesc.escalation.events import Event
from llmesc.escalation.redact import redact
from llmesc.escalation.secret import Secret
from llmesc.escalation.times import Clock
from llmesc.escalation.untrusted import one_line
from llmesc.providers.error_body import read_body
from llmesc.providers.http import Http
from llmesc.providers.retry_after import read_retry_after
from llmesc.providers.transport_error import TransportError
from llmesc.records.sinks.base import NotDelivered, event_id, items

ID, TIMESTAMP, SIGNATURE = "X-Llmesc-Id", "X-Llmesc-Timestamp", "X-Llmesc-Signature"
"""Headers: of these very events, so that a batch that comes twice can be told; Unix seconds; `sha256=` and the signature."""

_GONE = 410
_TOO_LARGE = 413
_TOO_MANY = 429

_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

Credentials = Callable[[], Awaitable[tuple[Secret | None, Mapping[str, str]]]]
"""The secret to sign with, and the headers that were configured. Raises `NotDelivered`."""


class WebhookSink:
    """2xx confirms, 410 ends it, anything else is tried again later. A batch that is too large is sent in halves."""

    def __init__(
        self,
        url: str,
        *,
        batch: int,
        timeout_seconds: float,
        credentials: Credentials,
        clock: Clock,
    ) -> None:
        self._url = url
        self._batch = batch
        self._timeout_seconds = timeout_seconds
        self._credentials = credentials
        self._clock = clock
        self._http = Http()
        self._secret: Secret | None = None
        self._headers: Mapping[str, str] = {}

    async def prepare(self) -> None:
        """Gets the secret."""
        self._secret, self._headers = await self._credentials()

    async def deliver(self, events: Sequence[Event]) -> None:
        """In requests of at most `batch` events."""
        for start in range(0, len(events), self._batch):
            await self._send(events[start : start + self._batch])

    async def check(self) -> str:
        """Whether anything listens there: an OPTIONS request, to which any answer will do."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with self._http.send(
                    "OPTIONS", self._url, headers=self._headers, connect_seconds=self._timeout_seconds
                ) as reply:
                    return f"{_place(self._url)} answers ({reply.status})"
        except TransportError as error:
            raise NotDelivered(f"{_place(self._url)}: {error.detail}") from None
        except TimeoutError:
            raise NotDelivered(f"{_place(self._url)}: no answer within {self._timeout_seconds:g} s") from None

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def _send(self, events: Sequence[Event]) -> None:
        body = _to_json(items(events)).encode("utf-8", "replace")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with self._http.send(
                    "POST", self._url, headers=self._signed(events, body), body=body, connect_seconds=self._timeout_seconds
                ) as reply:
                    if reply.ok:
                        return
                    said, status, headers = await reply.error_body(), reply.status, reply.headers
        except TransportError as error:
            raise NotDelivered(f"{_place(self._url)}: {error.detail}") from None
        except TimeoutError:
            raise NotDelivered(f"{_place(self._url)}: no answer within {self._timeout_seconds:g} s") from None
        if status == _TOO_LARGE and len(events) > 1:
            middle = len(events) // 2
            await self._send(events[:middle])
            await self._send(events[middle:])
            return
        wait = read_retry_after(headers, read_body(said), self._clock.now(), limited=status == _TOO_MANY)
        words = one_line(redact(said.decode("utf-8", "replace")), 120)
        raise NotDelivered(
            f"{_place(self._url)} answered {status}{': ' + words if words else ''}",
            retry_after_seconds=wait[0] if wait else None,
            for_good=status == _GONE,
        )

    def _signed(self, events: Sequence[Event], body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now()))
        headers = {**self._headers, "Content-Type": "application/json", ID: batch_id(events), TIMESTAMP: timestamp}
        if self._secret is not None:
            headers[SIGNATURE] = signature(self._secret, timestamp, body)
        return headers


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the timestamp, a dot and the body, so that neither can be changed and an old one not be sent again."""
    return "sha256=" + hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def batch_id(events: Sequence[Event]) -> str:
    """The same for the same events."""
    return hashlib.sha256(" ".join(map(event_id, events)).encode()).hexdigest()[:32]


def _place(url: str) -> str:
    """Without the query, which may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
