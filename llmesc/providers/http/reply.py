"""A reply whose head has come, and its body as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

from llmesc.providers.http.lane import Head
from llmesc.providers.transport_error import TransportError

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A whole answer is never longer."""
MAX_ERROR_BODY_BYTES = 64 * 1024
"""What is read of a refusal; the rest says nothing new."""
ERROR_BODY_SECONDS = 2.0
"""How long a refusal may take to explain itself."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")


class Reply:
    """A response whose head has come. Its body can be taken once, as it arrives or whole."""

    def __init__(self, head: Head, body: AsyncGenerator[bytes]) -> None:
        self.status, self.headers = head
        self._body = body

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The server's own name for this exchange."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    @property
    def limit_headers(self) -> Mapping[str, str]:
        """What the server says about its limits; harmless to keep."""
        return {name: value for name, value in self.headers.items() if "ratelimit" in name or name.startswith("retry-after")}

    @property
    def is_last(self) -> bool:
        """Whether the server hangs up behind the body without saying so, as llama.cpp does behind every stream: a request that is
        sent before that arrives is lost.
        """
        return self.headers.get("server") == "llama.cpp" and "content-length" not in self.headers

    @property
    def redirects_to(self) -> str | None:
        """Where another server is named, without what its query may hide."""
        if self.status not in _REDIRECTS or "location" not in self.headers:
            return None
        try:
            target = urlsplit(self.headers["location"])
        except ValueError:
            return "what is no URL"
        return f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}" if target.netloc else target.path

    def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it arrives; what has come by the time it is asked for is one piece. Raises `TransportError`."""
        encoding = self.headers.get("content-encoding")
        return _decoded(self._body, encoding) if encoding else self._body

    async def error_body(self) -> bytes:
        """As much of the body as can be had and is worth having. Raises nothing: the status says enough."""
        body = bytearray()
        with contextlib.suppress(TransportError, TimeoutError):
            async with asyncio.timeout(ERROR_BODY_SECONDS), contextlib.aclosing(self.chunks()) as chunks:
                async for data in chunks:
                    body += data
                    if len(body) >= MAX_ERROR_BODY_BYTES:
                        break
        return bytes(body[:MAX_ERROR_BODY_BYTES])


async def whole(chunks: AsyncGenerator[bytes], start: bytes = b"") -> bytes:
    """A whole body of which `start` was read already. Raises `TransportError`, `too_long` beyond `MAX_BODY_BYTES`."""
    body = bytearray(start)
    async with contextlib.aclosing(chunks):
        async for data in chunks:
            body += data
            if len(body) > MAX_BODY_BYTES:
                raise TransportError("too_long", f"the body is longer than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _decoded(body: AsyncGenerator[bytes], encoding: str) -> AsyncGenerator[bytes]:
    """Nothing is asked to be encoded; a server that does it all the same is understood, as far as httpx knows the encoding."""
    import httpx

    response = httpx.Response(200, headers={"content-encoding": encoding}, content=body)
    async with contextlib.aclosing(body):
        try:
            async for data in response.aiter_bytes():
                yield data
        except httpx.DecodingError as error:
            raise TransportError("bad_json", str(error)) from None
