"""The fault server itself: listens on loopback, picks a behaviour for each request, and keeps count."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from urllib.parse import urlsplit

from llmesc.providers.faults.behaviours import FAULTS, Behaviour, behaviour, status
from llmesc.providers.faults.chat_wire import ChatWire
from llmesc.providers.faults.exchange import ClientLeft, Exchange, Recorded, read_request
from llmesc.providers.faults.wires import wire_at

Plan = str | Behaviour | Sequence[str | Behaviour]
"""The name of a fault, a behaviour, or several: one a request, the last for all that follow."""


class FaultServer:
    """`async with FaultServer(script) as server`. The script may be changed while it runs: `server.script["m"] = "ok"` heals."""

    def __init__(
        self,
        script: Mapping[str, Plan] | None = None,
        *,
        default: str | Behaviour = "ok",
        models: Behaviour | None = None,
        key: str | None = None,
        port: int = 0,
    ) -> None:
        for plan in (default, *(script or {}).values()):
            _played(plan)
        self.script: dict[str, Plan] = dict(script or {})
        """By model."""
        self.requests: list[Recorded] = []
        """Everything that arrived, oldest first."""
        self.connections = 0
        """How many were accepted so far."""
        self._default = default
        self._models = models
        """In place of the list of the script's models."""
        self._key = key
        self._port = port
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def origin(self) -> str:
        """Where it is, without a path: the base URL of wires that have no version in theirs."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """What a provider is configured with."""
        return f"{self.origin}/v1"

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._server is not None

    def calls(self, model: str) -> list[Recorded]:
        """The questions that reached one model."""
        return [request for request in self.requests if request.method == "POST" and request.model == model]

    def count(self, model: str) -> int:
        """How many questions reached one model."""
        return len(self.calls(model))

    async def listen(self) -> None:
        """Starts to listen, on the same port as before where there was one."""
        self._release()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Closes the listening socket and every connection: who connects is refused. `listen` heals."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._release()
        # Bound but not listening: the port refuses, and nobody else gets it.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self._port))

    async def __aenter__(self) -> FaultServer:
        await self.listen()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.refuse()
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the server is closing, and this task is nobody else's
        finally:
            self._serving.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (received := await read_request(reader)) is not None:
            request, headers = received
            self.requests.append(request)
            wire = wire_at(_path(request)) or ChatWire
            exchange = Exchange(request, wire(request.model), reader, writer)
            try:
                await self._behaviour(request, headers)(exchange)
            except (ClientLeft, ConnectionError):
                request.left.set()
                return
            if not exchange.open:
                return

    def _behaviour(self, request: Recorded, headers: Mapping[str, str]) -> Behaviour:
        if self._key is not None and not _opens(self._key, headers):
            return FAULTS["auth"]
        path = _path(request)
        if request.method == "GET" and path in {"/v1/models", "/api/tags"}:
            return self._models or _listed(self.script)
        if request.method != "POST" or wire_at(path) is None:
            return status(404, body=b"no such path")
        plan = self.script.get(request.model)
        if plan is None:
            return behaviour(request.model) or _played(self._default)[0]
        turns = _played(plan)
        return turns[min(self.count(request.model), len(turns)) - 1]


def _path(request: Recorded) -> str:
    return urlsplit(request.path).path  # as a proxy it is asked for whole URLs


def _opens(key: str, headers: Mapping[str, str]) -> bool:
    """Whether the key is in one of the headers that wires send it in."""
    sent = (headers.get(name) for name in ("authorization", "x-api-key", "x-goog-api-key", "api-key"))
    return not {key, f"Bearer {key}"}.isdisjoint(sent)


def _played(plan: Plan) -> list[Behaviour]:
    """The behaviours of a plan. Raises ValueError for a name that is none."""
    turns: list[Behaviour] = []
    for each in [plan] if isinstance(plan, str) or not isinstance(plan, Sequence) else plan:
        found = behaviour(each) if isinstance(each, str) else each
        if found is None:
            raise ValueError(f"no fault {each!r}; there are {', '.join(FAULTS)}, and any HTTP status from 400")
        turns.append(found)
    return turns


def _listed(names: Iterable[str]) -> Behaviour:
    """In the shape of Chat Completions and in that of Gemini and Ollama, which share no key."""
    names = list(names)
    listed = {
        "object": "list",
        "data": [{"id": name, "object": "model"} for name in names],
        "models": [{"name": name} for name in names],
    }
    return status(200, body=json.dumps(listed).encode())
