"""A reply whose head has come, and its body as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from urllib.parse import urlsplit

import httpx

from llmesc.providers.http.words import as_transport_errors
from llmesc.providers.transport_error import TransportError

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A whole answer is never longer."""
READ_AHEAD_BYTES = 1024 * 1024
"""What waits at most for a reader that is late."""
FIRST_TURN_BYTES, TURN_BYTES = 512, 16 * 1024
"""How much of a burst is read before its reader has a turn: little at first, so that the first token is not late; then twice as
much each time up to some eighty tokens, behind which a turn costs next to nothing."""
MAX_ERROR_BODY_BYTES = 64 * 1024
"""What is read of a refusal; the rest says nothing new."""
ERROR_BODY_SECONDS = 2.0
"""How long a refusal may take to explain itself."""

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")


class Reply:
    """A response whose head has come. Its body can be taken once, as it arrives or whole."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.complete = False
        """Whether the body was read to its end, so that the connection can serve again."""
        self._response = response

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
        if not self._response.has_redirect_location:
            return None
        target = urlsplit(self.headers["location"])
        return f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}" if target.netloc else target.path

    def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it arrives; what has come by the time it is asked for is one piece. Raises `TransportError`."""
        # A body of a known length comes in pieces as large as the reads; only HTTP's own chunks are worth gathering.
        return self._read() if "content-length" in self.headers else self._read_ahead()

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

    async def _read(self) -> AsyncGenerator[bytes]:
        with as_transport_errors(in_body=True):
            async for data in self._body():
                yield data
            await self._close()

    async def _read_ahead(self) -> AsyncGenerator[bytes]:
        """HTTP chunks are read ahead by a task of their own, because many of them arrive in one read: a reader that is handed
        each for itself pays for every token of a burst, and the later it is, the more it pays.
        """
        arrived = bytearray()
        changed, taken = asyncio.Event(), asyncio.Event()

        async def read() -> None:
            unseen_bytes, due_bytes = 0, FIRST_TURN_BYTES
            with as_transport_errors(in_body=True):
                async for data in self._body():
                    arrived.extend(data)
                    changed.set()
                    unseen_bytes += len(data)
                    if unseen_bytes >= due_bytes:
                        unseen_bytes, due_bytes = 0, min(due_bytes * 2, TURN_BYTES)
                        await asyncio.sleep(0)  # a turn for the reader: the beginning of a burst is not kept for its end
                    if len(arrived) > READ_AHEAD_BYTES:
                        taken.clear()
                        await taken.wait()
                await self._close()

        reading = asyncio.create_task(read())
        reading.add_done_callback(lambda _: changed.set())
        try:
            while arrived or not reading.done():
                if arrived:
                    data = bytes(arrived)
                    arrived.clear()
                    taken.set()
                    yield data
                else:
                    changed.clear()
                    await changed.wait()
            reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _body(self) -> AsyncIterator[bytes]:
        """Nothing is asked to be encoded; a server that does it all the same is understood, for what that costs."""
        if "content-encoding" in self.headers:
            return self._response.aiter_bytes()
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        return aiter(self._response.stream)

    async def _close(self) -> None:
        """The whole body is here: its connection is free."""
        await self._response.aclose()
        self.complete = True


async def whole(chunks: AsyncGenerator[bytes], start: bytes = b"") -> bytes:
    """A whole body of which `start` was read already. Raises `TransportError`, `too_long` beyond `MAX_BODY_BYTES`."""
    body = bytearray(start)
    async with contextlib.aclosing(chunks):
        async for data in chunks:
            body += data
            if len(body) > MAX_BODY_BYTES:
                raise TransportError("too_long", f"the body is longer than {MAX_BODY_BYTES} bytes")
    return bytes(body)
