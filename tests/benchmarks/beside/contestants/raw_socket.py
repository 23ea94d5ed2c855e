"""The floor: a request as bytes over a raw asyncio protocol, its answer cut out by hand. Not a client anybody should use."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from route import KEY, MODEL, PROMPT, Chain


class Connection(asyncio.Protocol):
    """Keeps what came, and wakes whoever waits for more."""

    def __init__(self) -> None:
        self.came, self.waiter, self.lost = bytearray(), None, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.came += data
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def more(self) -> None:
        if self.lost:
            raise ConnectionError("cut")
        self.waiter = asyncio.get_running_loop().create_future()
        await self.waiter


class Target:
    """One base: its two requests as bytes, and its idle connections."""

    def __init__(self, base: str) -> None:
        self.host, self.port, path = urlsplit(base).hostname, urlsplit(base).port, urlsplit(base).path
        body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}
        self.whole, self.streamed = (self._request(path, each) for each in (body, {**body, "stream": True}))
        self.idle = deque[Connection]()

    def _request(self, path: str, body: object) -> bytes:
        data = json.dumps(body).encode()
        lines = f"POST {path}/chat/completions HTTP/1.1", f"host: {self.host}:{self.port}", f"authorization: Bearer {KEY}"
        return "\r\n".join((*lines, f"content-length: {len(data)}", "", "")).encode() + data

    async def connection(self) -> Connection:
        while self.idle:
            if not (idle := self.idle.pop()).lost:
                return idle
        return (await asyncio.get_running_loop().create_connection(Connection, self.host, self.port))[1]


async def _status(connection: Connection) -> tuple[int, bytes]:
    """The status and the head; leaves the body."""
    while (end := connection.came.find(b"\r\n\r\n")) < 0:
        await connection.more()
    head = bytes(connection.came[:end])
    del connection.came[: end + 4]
    return int(head[9:12]), head


async def _body(connection: Connection, head: bytes) -> bytes:
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(connection.came) < length:
        await connection.more()
    body = bytes(connection.came)
    connection.came.clear()
    return body


class RawSocket:
    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets

    async def call(self) -> str:
        for target in self._targets:
            try:
                connection = await target.connection()
                connection.transport.write(target.whole)
                status, head = await _status(connection)
                body = await _body(connection, head)
            except OSError:
                continue
            target.idle.append(connection)
            if status == 200:
                return json.loads(body)["choices"][0]["message"]["content"]
        raise ConnectionError("nobody answered")

    async def stream(self) -> AsyncIterator[str]:
        target = self._targets[-1]
        connection = await target.connection()
        connection.transport.write(target.streamed)
        await _status(connection)
        ended = False
        while not ended:
            *events, rest = bytes(connection.came).split(b"\n\n\r\n")
            connection.came[:] = rest
            for event in events:
                data = event[event.index(b"data: ") + 6 :]
                if data == b"[DONE]":
                    ended = True
                elif text := json.loads(data)["choices"][0]["delta"].get("content"):
                    yield text
            if not events:
                await connection.more()
        while connection.came != b"0\r\n\r\n":
            await connection.more()
        connection.came.clear()
        target.idle.append(connection)

    async def between(self) -> None: ...

    async def aclose(self) -> None:
        for target in self._targets:
            for connection in target.idle:
                connection.transport.close()


async def open_route(chain: Chain, folder: Path) -> RawSocket:
    return RawSocket([Target(base) for base in chain.bases])
