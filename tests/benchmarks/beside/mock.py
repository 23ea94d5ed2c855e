"""The provider that everybody calls: canned bytes from a raw asyncio protocol, in a process of its own.

    python mock.py PORT_FILE

A path says what comes: `/ok/v1/…` an answer, streamed where the request asks for it; `/n2000/v1/…` a stream of as many tokens in
one burst; `/503/…`, `/401/…`, `/429/…` (retry-after 5) an error; `/silent…` nothing at all; `/cut10/…` ten tokens, then the
connection is dropped. What follows a `~` only tells callers apart. `GET /counts` tells how many requests each of them got since
it was last asked.

It knows neither llmesc nor its peers, and parses no more of a request than where it ends: see `provider.py` for the proof that it
does not count.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from functools import cache
from pathlib import Path

ANSWER = "Paris is the capital of France."
STREAMED_BY_DEFAULT = 50
"""Tokens, where the path does not say."""
RETRY_AFTER_SECONDS = 5


def token(number: int) -> str:
    """One of a stream's."""
    return f" word{number % 97}"


def streamed(tokens: int) -> str:
    """The whole text of a stream."""
    return "".join(map(token, range(tokens)))


def _chunk(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return _framed(json.dumps(event).encode())


def _framed(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


def _head(status: str, kind: str, *more: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", f"content-type: {kind}", *more, "", "")).encode()


def _whole(status: str, body: object, *more: str) -> bytes:
    data = json.dumps(body).encode()
    return _head(status, "application/json", f"content-length: {len(data)}", *more) + data


def _error(status: str, message: str, *more: str) -> bytes:
    code = status.partition(" ")[2].lower().replace(" ", "_")
    return _whole(status, {"error": {"message": message, "type": code, "code": code}}, *more)


_STREAM_HEAD = _head("200 OK", "text/event-stream", "transfer-encoding: chunked")

CANNED = {
    "ok": _whole(
        "200 OK",
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16},
        },
    ),
    "503": _error("503 Service Unavailable", "The server is overloaded, try again later"),
    "401": _error("401 Unauthorized", "Incorrect API key provided"),
    "429": _error("429 Too Many Requests", "Rate limit reached", f"retry-after: {RETRY_AFTER_SECONDS}"),
}


@cache
def _stream(tokens: int, *, cut: bool) -> bytes:
    parts = [_STREAM_HEAD, _chunk({"role": "assistant", "content": ""})]
    parts += [_chunk({"content": token(number)}) for number in range(tokens)]
    if not cut:
        used = {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}
        parts += [_chunk({}, "stop", usage=used), _framed(b"[DONE]"), b"0\r\n\r\n"]
    return b"".join(parts)


COUNTS = Counter[str]()
"""Requests of each route since somebody asked."""


class Mock(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.unread = transport, b""

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            head = self.unread[:end].lower()
            _, _, after = head.partition(b"content-length:")
            whole = end + 4 + int(after.partition(b"\r\n")[0] or 0)
            if len(self.unread) < whole:
                return
            body, self.unread = self.unread[end + 4 : whole], self.unread[whole:]
            self.answer(head.split(b" ", 2)[1].split(b"/")[1].decode(), b'"stream":true' in body.replace(b" ", b""))

    def answer(self, route: str, stream: bool) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        if route == "counts":
            self.transport.write(_whole("200 OK", COUNTS))
            COUNTS.clear()
            return
        COUNTS[route] += 1
        route = route.partition("~")[0]
        if route.startswith("cut"):
            self.transport.write(_stream(int(route[3:]), cut=True))
            self.transport.close()
        elif not route.startswith("silent"):
            stream = stream and route not in ("503", "401", "429")
            tokens = int(route[1:]) if route.startswith("n") else STREAMED_BY_DEFAULT
            self.transport.write(_stream(tokens, cut=False) if stream else CANNED.get(route, CANNED["ok"]))


async def main(port_file: Path) -> None:
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", 0, backlog=1024)
    port_file.write_text(str(server.sockets[0].getsockname()[1]))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
