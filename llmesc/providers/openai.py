"""The wire `openai`: Chat Completions, which OpenAI, vLLM, llama.cpp, Ollama, LM Studio and most hosted services speak."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from llmesc.escalation.errors import ConfigError
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.pieces import Call, Opened, Piece
from llmesc.escalation.secret import Secret
from llmesc.escalation.times import Timestamp
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http, Reply, whole
from llmesc.providers.openai_request import chat_body
from llmesc.providers.openai_stream import ChatReader, ServerSaidError
from llmesc.providers.probe import PROBE_SECONDS, ProbeResult
from llmesc.providers.sse import SseDecoder
from llmesc.providers.transport_error import TransportError

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DRAIN_SECONDS = 0.1
"""How long to wait for the body's end behind `[DONE]`, so that the connection can serve again."""

_BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before a body: some servers send blank lines while they think, a few a byte order mark."""


class OpenAiProvider:
    """Chat Completions at one endpoint. One call is one request.

    `locate` gives the base URL at each call, for a server that is only started then; it may raise `CallFailed`.
    """

    def __init__(self, endpoint: Endpoint, http: Http, locate: Callable[[], Awaitable[str]] | None = None) -> None:
        self._endpoint = endpoint
        self._http = http
        self._locate = locate

    async def call(self, call: Call) -> AsyncGenerator[Piece]:
        """See `Provider.call`. `Finish` is handed on as soon as it is known; a count of tokens may follow it."""
        reader = ChatReader()
        reply: Reply | None = None
        try:
            base_url = await self._base_url()
            body = chat_body(call.request, call.resolution.model, self._endpoint.options, base_url)
            async with self._http.send(
                "POST",
                _url(base_url, "chat/completions"),
                headers={"content-type": "application/json", "idempotency-key": call.idempotency_key, **self._headers()},
                body=json.dumps(body, separators=(",", ":")).encode(),
                connect_seconds=call.timeouts.connect_seconds,
            ) as reply:
                if not reply.ok:
                    raise self._failed(reply, call, body=await reply.error_body())
                yield Opened(reply.request_id, reply.limit_headers)
                async with contextlib.aclosing(_answer(reply, reader)) as bursts:
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
            url, headers = _url(await self._base_url(), "models"), self._headers()
            async with (
                asyncio.timeout(PROBE_SECONDS),
                self._http.send("GET", url, headers=headers, connect_seconds=self._endpoint.connect_seconds) as reply,
            ):
                if reply.ok:
                    key_sent = "authorization" in headers or any(isinstance(it, Secret) for it in self._endpoint.headers.values())
                    models = _model_ids(await whole(reply.chunks()))
                    return ProbeResult(reachable=True, key_accepted=True if key_sent else None, models=models)
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

    async def aclose(self) -> None:
        """Nothing to let go of: the connections belong to the registry's `Http`."""

    async def _base_url(self) -> str:
        return await self._locate() if self._locate else self._endpoint.base_url or DEFAULT_BASE_URL

    def _headers(self) -> dict[str, str]:
        """What this instance adds to each request: the only place where its secrets are revealed. Raises `CallFailed`."""
        try:
            key = self._endpoint.api_key()
        except ConfigError as error:
            raise CallFailed(Failure(kind=FailureKind.AUTH, rule="key.missing", message=str(error))) from None
        headers = {"accept": "application/json, text/event-stream"}
        if key is not None:
            headers["authorization"] = f"Bearer {key.reveal()}"
        for name, value in self._endpoint.headers.items():
            headers[name.lower()] = value.reveal() if isinstance(value, Secret) else value
        return headers

    def _failed(
        self, reply: Reply | None, call: Call | None = None, error: TransportError | None = None, body: str | bytes = ""
    ) -> CallFailed:
        from llmesc.providers.classify import Evidence, classify  # its rules are read only where something went wrong

        return CallFailed(
            classify(
                Evidence(
                    api=self._endpoint.api,
                    provider=self._endpoint.provider,
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


async def _answer(reply: Reply, reader: ChatReader) -> AsyncGenerator[Iterator[Piece]]:
    """What each read of the body brings. Whether it is a stream or one document is told by how it begins, not by what was asked
    for: servers ignore `stream`, and say `text/plain`. Raises `TransportError` and `ServerSaidError`.
    """
    async with contextlib.aclosing(reply.chunks()) as chunks:
        start = await _start(chunks)
        if start[:1] in (b"{", b"["):
            yield reader.read_whole((await whole(chunks, start)).decode("utf-8", "replace"))
            return
        if start[:1] == b"<":
            raise TransportError("html", "a page instead of an answer", start)
        decoder = SseDecoder()
        yield reader.read(decoder.feed(start))
        while not reader.done and (data := await anext(chunks, b"")):
            yield reader.read(decoder.feed(data))
        if reader.done:
            await _drain(chunks)
            return
        yield reader.read(decoder.end())
    if not reader.finished:
        raise TransportError("no_terminal_sign", "the stream ended without a finish_reason and without [DONE]")


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


def _url(base_url: str, path: str) -> str:
    """`path` under the base URL, whose query (an `api-version`) stays."""
    base, mark, query = base_url.partition("?")
    return f"{base.rstrip('/')}/{path}{mark}{query}"


def _model_ids(body: bytes) -> tuple[str, ...] | None:
    try:
        listed: Any = json.loads(body)["data"]
        return tuple(str(model["id"]) for model in listed)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
