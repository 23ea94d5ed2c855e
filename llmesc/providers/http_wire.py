"""What every wire over HTTP does alike: one request, its reply read as it arrives, and all that goes wrong as a `CallFailed`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from llmesc.escalation.errors import ConfigError
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.pieces import Call, Opened, Piece
from llmesc.escalation.secret import Secret
from llmesc.escalation.times import Timestamp
from llmesc.providers.answer_reader import AnswerReader, ServerSaidError
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http, Reply, whole
from llmesc.providers.probe import PROBE_SECONDS, ProbeResult
from llmesc.providers.request_parts import within_limits
from llmesc.providers.sse import SseDecoder, SseEvent
from llmesc.providers.transport_error import TransportError

DRAIN_SECONDS = 0.1
"""How long to wait for the body's end behind the last event, so that the connection can serve again."""

_BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before a body: some servers send blank lines while they think, a few a byte order mark."""


class Decoder(Protocol):
    """Turns the bytes of a body into events, however they are cut into reads."""

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes. Raises `TransportError` (`too_long`)."""
        ...

    def end(self) -> list[SseEvent]:
        """What the end of the body cut off, as far as it is whole."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """One request as it leaves: where to, and its JSON body."""

    url: str
    body: Mapping[str, Any]


class HttpWire(ABC):
    """A wire API at one endpoint. One call is one request."""

    default_base_url: ClassVar[str]
    models_path: ClassVar[str]
    """What lists the models, under the base URL."""
    own_headers: ClassVar[Mapping[str, str]] = {}
    """What every request of the wire carries."""
    decoder: ClassVar[type[Decoder]] = SseDecoder

    def __init__(self, endpoint: Endpoint, http: Http) -> None:
        self.endpoint = endpoint
        self._http = http

    @abstractmethod
    def question(self, call: Call, base_url: str) -> Question:
        """The request of `call`. Raises `CallFailed` where the wire cannot carry it."""

    @abstractmethod
    def reader(self, call: Call) -> AnswerReader:
        """A reader for the answer to `call`."""

    @abstractmethod
    def key_header(self, key: str) -> tuple[str, str]:
        """The header that carries the key: its name in lower case, and its value."""

    @abstractmethod
    def model_names(self, listed: Any) -> Iterable[str]:
        """The models in the parsed list. May raise `KeyError` and `TypeError` where it is no such list."""

    def is_document(self, start: bytes, call: Call) -> bool:  # noqa: ARG002 - for wires that cannot tell by the start
        """Whether a body is one document and no stream. It begins like one, whatever was asked for: servers ignore `stream`."""
        return start.startswith((b"{", b"["))

    async def base_url(self) -> str:
        """Where the server is. May raise `CallFailed`."""
        return self.endpoint.base_url or self.default_base_url

    async def call(self, call: Call) -> AsyncGenerator[Piece]:
        """See `Provider.call`. `Finish` is handed on as soon as it is known; a count of tokens may follow it."""
        reader = self.reader(call)
        reply: Reply | None = None
        try:
            request = within_limits(call.request, call.resolution.offering)
            fitting = call if request is call.request else replace(call, request=request)
            question = self.question(fitting, await self.base_url())
            async with self._http.send(
                "POST",
                question.url,
                headers={"content-type": "application/json", "idempotency-key": call.idempotency_key, **self._headers()},
                body=json.dumps(question.body, separators=(",", ":")).encode(),
                connect_seconds=call.timeouts.connect_seconds,
            ) as reply:
                if not reply.ok:
                    raise self._failed(reply, call, body=await reply.error_body())
                yield Opened(reply.request_id, reply.limit_headers)
                async with contextlib.aclosing(self._answer(reply, reader, call)) as bursts:
                    async for pieces in bursts:
                        for piece in pieces:
                            yield piece
        except ServerSaidError as error:
            raise self._failed(reply, call, body=error.body) from None
        except TransportError as error:
            if not reader.finished:  # what breaks behind the end of an answer takes nothing from it
                raise self._failed(reply, call, error) from None

    async def probe(self) -> ProbeResult:
        """Lists the models. Raises nothing, and calls no model."""
        reply: Reply | None = None
        try:
            url, headers = url_under(await self.base_url(), self.models_path), self._headers()
            async with (
                asyncio.timeout(PROBE_SECONDS),
                self._http.send("GET", url, headers=headers, connect_seconds=self.endpoint.connect_seconds) as reply,
            ):
                if reply.ok:
                    models = self._listed(await whole(reply.chunks()))
                    return ProbeResult(reachable=True, key_accepted=True if self._sends_key() else None, models=models)
                failure = self._failed(reply, body=await reply.error_body()).failure
        except CallFailed as failed:
            failure = failed.failure
        except TransportError as error:
            failure = self._failed(reply, error=error).failure
        except TimeoutError:
            silence = TransportError("total_timeout", f"the models were not listed within {PROBE_SECONDS:g} s")
            failure = self._failed(reply, error=silence).failure
        refused = failure.kind in {FailureKind.AUTH, FailureKind.PERMISSION, FailureKind.ACCOUNT}
        return ProbeResult(reachable=reply is not None, key_accepted=False if refused else None, failure=failure)

    async def aclose(self) -> None:  # noqa: B027 - most wires hold nothing of their own
        """Nothing to let go of: the connections belong to the registry's `Http`."""

    def _headers(self) -> dict[str, str]:
        """What this instance adds to each request: the only place where its secrets are revealed. Raises `CallFailed`."""
        try:
            key = self.endpoint.api_key()
        except ConfigError as error:
            raise CallFailed(Failure(kind=FailureKind.AUTH, rule="key.missing", message=str(error))) from None
        headers = {"accept": "application/json, text/event-stream, application/x-ndjson", **self.own_headers}
        if key is not None:
            other = self.endpoint.options.get("key_header")
            name, value = (other, key.reveal()) if other else self.key_header(key.reveal())
            headers[name] = value
        for name, header in self.endpoint.headers.items():
            headers[name.lower()] = header.reveal() if isinstance(header, Secret) else header
        return headers

    def _sends_key(self) -> bool:
        return self.endpoint.api_key() is not None or any(isinstance(it, Secret) for it in self.endpoint.headers.values())

    def _listed(self, body: bytes) -> tuple[str, ...] | None:
        try:
            return tuple(self.model_names(json.loads(body)))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    async def _answer(self, reply: Reply, reader: AnswerReader, call: Call) -> AsyncGenerator[Iterator[Piece]]:
        """What each read of the body brings. Raises `TransportError`, `ServerSaidError` and `CallFailed`."""
        async with contextlib.aclosing(reply.chunks()) as chunks:
            start = await _start(chunks)
            if start.startswith(b"<"):
                raise TransportError("html", "a page instead of an answer", start)
            if self.is_document(start, call):
                yield reader.read_whole((await whole(chunks, start)).decode("utf-8", "replace"))
                return
            decoder = self.decoder()
            yield reader.read(decoder.feed(start))
            while not reader.done and (data := await anext(chunks, b"")):
                yield reader.read(decoder.feed(data))
            if reader.done:
                await _drain(chunks)
                return
            yield reader.read(decoder.end())
        if not reader.finished:
            raise TransportError("no_terminal_sign", f"the stream ended without {reader.end_sign}")

    def _failed(
        self, reply: Reply | None, call: Call | None = None, error: TransportError | None = None, body: str | bytes = ""
    ) -> CallFailed:
        from llmesc.providers.classify import Evidence, classify  # its rules are read only where something went wrong

        return CallFailed(
            classify(
                Evidence(
                    api=self.endpoint.api,
                    provider=self.endpoint.provider,
                    status=reply.status if reply else None,
                    headers=reply.headers if reply else {},
                    body=error.body if error else body,
                    transport=error.word if error else None,
                    detail=error.detail if error else "",
                    streamed=call is not None and call.request.stream,
                    self_hosted=call is not None and call.resolution.tier.self_hosted,
                    now=Timestamp(time.time()),
                )
            )
        )


def url_under(base_url: str, path: str) -> str:
    """`path` (which may end in a query) under the base URL, whose own query (an `api-version`) stays."""
    base, _, query = base_url.partition("?")
    url = f"{base.rstrip('/')}/{path}"
    return f"{url}{'&' if '?' in path else '?'}{query}" if query else url


async def _start(chunks: AsyncIterator[bytes]) -> bytes:
    """The body's first read, without what is blank before it. Raises `TransportError` (`empty_body`)."""
    async for data in chunks:
        if start := data.lstrip(_BLANK):
            return start
    raise TransportError("empty_body", "the body is empty")


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    with contextlib.suppress(TransportError, TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass
