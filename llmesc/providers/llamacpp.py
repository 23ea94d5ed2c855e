"""The wire `llamacpp`: models that run inside llmesc, each in a child process that the first call starts.

The engine serves Chat Completions on loopback, so a call is one call of the wire `openai`; what is here is everything before
it. A start is shared by all calls that wait for it, and goes on when they give up: the next one finds the model loaded. A child
that died is started again by the next call. Nothing runs on after `aclose`, or after this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

from llmesc.escalation.failures import CallFailed, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Message, Text
from llmesc.escalation.pieces import Call, Piece
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http
from llmesc.providers.llamacpp_engine import COMMAND, Engine
from llmesc.providers.llamacpp_failure import call_failed
from llmesc.providers.llamacpp_weights import BUILT_IN, OWN_WEIGHTS, BuiltIn, built_in_weights, own_weights
from llmesc.providers.openai import OpenAiProvider
from llmesc.providers.probe import ProbeResult

DEFAULT_CONTEXT_WINDOW = 8192
MAX_THREADS = 8

_BROKEN = frozenset({FailureKind.CONNECTION, FailureKind.PROTOCOL})
"""How the wire sees an engine that died under it."""


@dataclass(frozen=True, slots=True)
class _Served:
    engine: Engine
    wire: OpenAiProvider


class LlamaCppProvider:
    """The embedded models of one instance.

    Options of the instance: `context_window`, `threads`, `data_dir` (where weights are kept), `model_file` (weights for every
    model that names none). Of a model: `file`, `sha256`.
    """

    def __init__(
        self, endpoint: Endpoint, http: Http, *, command: Sequence[str] = COMMAND, pip: Sequence[str] | None = None
    ) -> None:
        self._endpoint = endpoint
        self._http = http
        self._command = command
        self._pip = pip
        self._starts: dict[str, asyncio.Task[_Served]] = {}
        self._untold: dict[str, asyncio.Task[_Served]] = {}
        """Starts that failed while they were prepared."""

    async def call(self, call: Call) -> AsyncGenerator[Piece]:
        """See `Provider.call`."""
        model = call.resolution.model
        served = await self._served(model)
        try:
            async with contextlib.aclosing(served.wire.call(_introduced(call, self._built_in(model)))) as pieces:
                async for piece in pieces:
                    yield piece
        except CallFailed as failed:
            if failed.failure.kind in _BROKEN and (death := await served.engine.death()):
                raise call_failed(FailureKind.CONNECTION, "engine.died", death) from None
            raise

    async def prepare(self, model: str) -> None:
        """Does what a first call would wait for, fetching weights included, but under no call's limits.

        Raises nothing: what hindered it is told by the next call, which does not wait for the same again.
        """
        start = self._started(model)
        await asyncio.wait({start})
        if _served_by(start) is None:
            self._untold[model] = start

    async def probe(self) -> ProbeResult:
        """Whether the engine is installed and the operator's own weights are there. Raises nothing, and loads no model."""
        try:
            await (await Engine.spawn(self._command)).aclose()
            for model in self._endpoint.model_options:
                if self._built_in(model) is None:
                    await own_weights(self._file(model), sha256=None)
        except CallFailed as failed:
            return ProbeResult(reachable=False, failure=failed.failure)
        return ProbeResult(reachable=True, models=tuple(self._endpoint.model_options) or None)

    async def aclose(self) -> None:
        """Ends every child, and every start and fetch that is under way."""
        starts = list(self._starts.values())
        self._starts.clear()
        for start in starts:
            start.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
        for served in filter(None, map(_served_by, starts)):
            await served.engine.aclose()

    async def _served(self, model: str) -> _Served:
        """The model's running engine. Raises `CallFailed`."""
        start = self._untold.pop(model) if model in self._untold else self._started(model)
        return await asyncio.shield(start)

    def _started(self, model: str) -> asyncio.Task[_Served]:
        """The start that brought up the running engine, or is about to."""
        start = self._starts.get(model)
        if start is None or _is_over(start):
            start = self._starts[model] = asyncio.create_task(self._start(model, _served_by(start)))
        return start

    async def _start(self, model: str, died: _Served | None) -> _Served:
        if died is not None:
            await died.engine.aclose()
        engine = await Engine.spawn(self._command)
        try:
            # The engine imports itself before weights are fetched for it, so that nobody waits for weights without an engine.
            await engine.load(await self._settings(model))
        except BaseException:
            await engine.aclose()
            raise
        here = replace(
            self._endpoint,
            api="openai",
            base_url=f"{engine.url}/v1",
            api_key=lambda: engine.api_key,
            # The engine promises to keep a connection and closes it behind every stream: the next request would be lost.
            headers={"connection": "close"},
            options={},
        )
        return _Served(engine, OpenAiProvider(here, self._http))

    async def _settings(self, model: str) -> dict[str, object]:
        """See `llamacpp_server.parameters`."""
        built_in, options = self._built_in(model), self._endpoint.options
        if built_in is not None:
            file = await built_in_weights(built_in, self._weights_directory(), self._endpoint.on_progress, self._pip)
        else:
            file = await own_weights(self._file(model), self._endpoint.model_options.get(model, {}).get("sha256"))
        return {
            "file": str(file),
            "name": model,
            "context_window": options.get("context_window", DEFAULT_CONTEXT_WINDOW),
            "threads": options.get("threads", default_threads()),
            "fit": built_in is None,
            "max_tokens": built_in.max_tokens if built_in else -1,
            "sampling": dict(built_in.sampling) if built_in else {},
        }

    def _built_in(self, model: str) -> BuiltIn | None:
        return None if self._named_file(model) else BUILT_IN.get(model)

    def _named_file(self, model: str) -> str | None:
        return self._endpoint.model_options.get(model, {}).get("file") or self._endpoint.options.get("model_file")

    def _file(self, model: str) -> Path:
        name = self._named_file(model)
        if name is None:
            message = f"no weights are known for {model!r}, only for {', '.join(BUILT_IN)}: {OWN_WEIGHTS}"
            raise call_failed(FailureKind.MODEL_UNAVAILABLE, "weights.unknown", message)
        return Path(os.path.expanduser(name))  # noqa: PTH111 -- Path.expanduser raises where nobody has that name

    def _weights_directory(self) -> Path:
        named = self._endpoint.options.get("data_dir")
        if named is None:
            import platformdirs

            named = platformdirs.user_data_path("llmesc", appauthor=False)
        return Path(named) / "models"


def default_threads() -> int:
    """Half of the cores: at most one of each pair that shares a physical one, and room for whoever else works here.

    The engine's threads wait for each other after every layer, so one that has to share its core slows all of them: on a busy
    machine with two cores, two threads are five times slower than one. More than eight bring little to models that fit here.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(1, min(MAX_THREADS, cores // 2))


def _is_over(start: asyncio.Task[_Served]) -> bool:
    """Whether it failed, or what it started has died."""
    served = _served_by(start)
    return start.done() and (served is None or not served.engine.running)


def _served_by(start: asyncio.Task[_Served] | None) -> _Served | None:
    """What a start led to, if it did."""
    if start is None or not start.done() or start.cancelled() or start.exception() is not None:
        return None
    return start.result()


def _introduced(call: Call, built_in: BuiltIn | None) -> Call:
    """With the built-in model's own system message, where the request has none."""
    messages = call.request.messages
    if built_in is None or any(message.role == "system" for message in messages):
        return call
    system = Message(role="system", parts=(Text(text=built_in.system),))
    return replace(call, request=replace(call.request, messages=(system, *messages)))
