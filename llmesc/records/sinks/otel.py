"""Runs to an OpenTelemetry collector: traces and metrics by OTLP over HTTP, when they have ended.

The libraries take 0.3 s to load, so that happens where something is to be delivered, in a thread. Spans have ids that follow from
the run's, so one that comes twice can be told. Points of a metric have none: a run that comes twice, because a process died
between its delivery and the note of it, is counted twice there. So the spans go first: what fails before counts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from llmesc.escalation.events import Event, RunFinished
from llmesc.providers.http import Http
from llmesc.providers.transport_error import TransportError
from llmesc.records.sinks.base import InThread, NotDelivered
from llmesc.records.sinks.otel_run import trace_of
from llmesc.records.sinks.otel_span import Trace

if TYPE_CHECKING:
    from llmesc.records.sinks.otel_export import Exporter

TRACES, METRICS = "/v1/traces", "/v1/metrics"
_PROTOBUF = "application/x-protobuf"

ReadRun = Callable[[str], Awaitable[Sequence[Event]]]


class OtelSink:
    """A run is sent when its end is among the events; a run whose process was killed has none, and is not sent."""

    def __init__(
        self,
        url: str,
        *,
        service: str,
        content: bool,
        timeout_seconds: float,
        headers: Callable[[], Awaitable[Mapping[str, str]]],
        provider_name: Callable[[str], str],
        read_run: ReadRun,
        in_thread: InThread[None],
    ) -> None:
        self._url = url
        self._service = service
        self._content = content
        self._timeout_seconds = timeout_seconds
        self._headers = headers
        self._provider_name = provider_name
        self._read_run = read_run
        self._in_thread = in_thread
        self._exporter: Exporter | None = None

    async def prepare(self) -> None:
        """Loads the libraries, and gets the secrets of the headers."""
        if self._exporter is not None:
            return
        headers = await self._headers()

        def load() -> None:
            from llmesc.records.sinks.otel_export import Exporter

            self._exporter = Exporter(self._url, service=self._service, headers=headers, timeout_seconds=self._timeout_seconds)

        try:
            await self._in_thread(load)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in ("opentelemetry", "requests"):
                raise
            raise NotDelivered("a sink for OpenTelemetry needs the extra `otel`: pip install 'llmesc[otel]'") from None

    async def deliver(self, events: Sequence[Event]) -> None:
        """The runs that end among `events`."""
        traces: list[Trace] = []
        for run_id in dict.fromkeys(event.run_id for event in events if isinstance(event, RunFinished)):
            recorded = await self._read_run(run_id)
            if trace := trace_of(recorded, provider_name=self._provider_name, content=self._content):
                traces.append(trace)
        if traces:
            exporter = self._exporter
            assert exporter is not None, "it was prepared"
            await self._in_thread(lambda: exporter.export(traces))

    async def check(self) -> str:
        """Sends an export without spans, which a collector takes."""
        http, url = Http(), f"{self._url}{TRACES}"
        headers = {**await self._headers(), "Content-Type": _PROTOBUF}
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                http.send("POST", url, headers=headers, body=b"", connect_seconds=self._timeout_seconds) as reply,
            ):
                if not reply.ok:
                    raise NotDelivered(f"{url} answered {reply.status}")
        except TransportError as error:
            raise NotDelivered(f"{self._url}: {error.detail}") from None
        except TimeoutError:
            raise NotDelivered(f"{self._url}: no answer within {self._timeout_seconds:g} s") from None
        finally:
            await http.aclose()
        return f"{self._url} takes traces"

    async def aclose(self) -> None:
        """Closes its connections."""
        if self._exporter is not None:
            self._exporter.close()
            self._exporter = None
