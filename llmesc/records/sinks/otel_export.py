"""Traces to OTLP, with OpenTelemetry's own SDK and exporters. Nothing but the sink imports this file, and that in a thread."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import requests
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http import metric_exporter, trace_exporter
from opentelemetry.metrics import Histogram as HistogramInstrument
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    InMemoryMetricReader,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from llmesc import __version__
from llmesc.escalation.times import Timestamp
from llmesc.providers.http import USER_AGENT
from llmesc.records.sinks.base import NotDelivered
from llmesc.records.sinks.otel import METRICS, TRACES
from llmesc.records.sinks.otel_span import DURATION, FIRST_CHUNK, TOKENS, Span, Trace

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_POWERS_OF_FOUR = tuple(4**power for power in range(14))
_INSTRUMENTS = {
    DURATION: ("s", "GenAI operation duration.", _SECONDS),
    FIRST_CHUNK: ("s", "Time to receive the first chunk of a streamed response.", _SECONDS),
    TOKENS: ("{token}", "Number of input and output tokens used.", _POWERS_OF_FOUR),
}
"""Unit, description and bucket boundaries, as the conventions want them."""

_SCOPE = "llmesc"
_TOO_MANY = 429


class Exporter:
    """The two exporters of one sink. Every method blocks, and raises `NotDelivered`."""

    def __init__(self, url: str, *, service: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self._url = url
        self._session = _Session()
        told = {**headers, "user-agent": USER_AGENT}
        self._spans = trace_exporter.OTLPSpanExporter(
            f"{url}{TRACES}", headers=told, timeout=timeout_seconds, session=self._session
        )
        self._points = metric_exporter.OTLPMetricExporter(
            f"{url}{METRICS}", headers=told, timeout=timeout_seconds, session=self._session
        )
        self._resource = Resource.create({"service.name": service, "service.version": __version__})
        # Points of one process must not be taken for the next ones of another's.
        self._writer = self._resource.merge(Resource({"service.instance.id": str(uuid.uuid4())}))

    def export(self, traces: Sequence[Trace]) -> None:
        """Spans first: what fails before the points counts nothing twice."""
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            raise NotDelivered("$OTEL_SDK_DISABLED is true")
        spans = spans_of([trace for trace in traces if trace.is_wanted], self._resource)
        with _quietly() as said:
            try:
                if spans and self._spans.export(spans) is not SpanExportResult.SUCCESS:
                    raise self._refused(said)
                points = points_of(traces, self._writer)
                if points is not None and self._points.export(points) is not MetricExportResult.SUCCESS:
                    raise self._refused(said)
            except _Refused:  # as some versions of the exporters let through
                raise self._refused(said) from None

    def close(self) -> None:
        """Closes its connections."""
        self._session.close()

    def _refused(self, said: Sequence[str]) -> NotDelivered:
        words = self._session.problem or (said[-1] if said else "the export failed")
        return NotDelivered(f"{self._url}: {words}", retry_after_seconds=self._session.retry_after_seconds)


class _Refused(Exception):
    """No reason for the exporter to try again by itself: the outbox does, with its own patience."""


class _Session(requests.Session):
    """Remembers what went wrong, and has it known at once instead of after the exporter's own retries."""

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""
        self.retry_after_seconds: float | None = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests` has it; raises for every answer that is no success."""
        self.problem, self.retry_after_seconds = "", None
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            self.problem = _root(error)
            raise _Refused(self.problem) from None
        if not response.ok:
            self.problem = f"answered {response.status_code}"
            wait = response.headers.get("Retry-After", "")
            self.retry_after_seconds = float(wait) if wait.isdecimal() else None
            raise _Refused(self.problem)
        return response


def _root(error: BaseException) -> str:
    """What the system said first, without the address that may hold a token."""
    below: BaseException | None = error
    while below is not None:
        error = below
        below = below.__cause__ or below.__context__
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) and error.strerror else type(error).__name__


@contextmanager
def _quietly() -> Iterator[list[str]]:
    """What the exporters log in this thread is caught: it is told once, as the sink's last error, and not on the terminal."""
    said: list[str] = []
    here = threading.get_ident()

    def catch(record: logging.LogRecord) -> bool:
        if record.thread != here:
            return True
        said.append(record.getMessage())
        return False

    loggers = [logging.getLogger(module.__name__) for module in (trace_exporter, metric_exporter)]
    for logger in loggers:
        logger.addFilter(catch)
    try:
        yield said
    finally:
        for logger in loggers:
            logger.removeFilter(catch)


# -- spans ------------------------------------------------------------------------------------------------------------------


class _Ids(IdGenerator):
    """Gives the ids that are set."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        """For a root."""
        return self.trace_id

    def generate_span_id(self) -> int:
        """For the next span."""
        return self.span_id


def spans_of(traces: Sequence[Trace], resource: Resource) -> Sequence[ReadableSpan]:
    """The SDK's spans: the run's, and below it one for each attempt."""
    ids, kept = _Ids(), InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer(_SCOPE)
    for trace in traces:
        ids.trace_id = trace.trace_id
        above = None
        if trace.parent is not None:
            flags = api.TraceFlags(api.TraceFlags.SAMPLED)
            caller = api.SpanContext(trace.parent.trace_id, trace.parent.span_id, is_remote=True, trace_flags=flags)
            above = api.set_span_in_context(api.NonRecordingSpan(caller))
        run = _started(tracer, ids, trace.run, above)
        for attempt in trace.attempts:
            _end(_started(tracer, ids, attempt, api.set_span_in_context(run)), attempt)
        _end(run, trace.run)
    provider.shutdown()
    return kept.get_finished_spans()


def _started(tracer: api.Tracer, ids: _Ids, span: Span, above: Any) -> api.Span:
    ids.span_id = span.span_id
    kind = api.SpanKind.CLIENT if span.remote else api.SpanKind.INTERNAL
    started = tracer.start_span(
        span.name, context=above, kind=kind, attributes=span.attributes, start_time=_nanoseconds(span.started_at)
    )
    for event in span.events:
        started.add_event(event.name, event.attributes, _nanoseconds(event.at))
    return started


def _end(started: api.Span, span: Span) -> None:
    if span.error:
        started.set_status(api.Status(api.StatusCode.ERROR, span.error))
    started.end(_nanoseconds(span.ended_at))


def _nanoseconds(at: Timestamp) -> int:
    return round(at * 1_000_000) * 1_000  # to the microsecond, which is all that a float of today holds


# -- metrics ------------------------------------------------------------------------------------------------------------------


def points_of(traces: Sequence[Trace], resource: Resource) -> MetricsData | None:
    """Histograms of what these runs measured, and of nothing before (delta); None where they measured nothing. Their time is that
    of the runs.
    """
    if not any(trace.measured for trace in traces):
        return None
    reader = InMemoryMetricReader(preferred_temporality={Histogram: AggregationTemporality.DELTA})
    provider = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter(_SCOPE)
    instruments: dict[str, HistogramInstrument] = {
        name: meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)
        for name, (unit, description, bounds) in _INSTRUMENTS.items()
    }
    for trace in traces:
        for measured in trace.measured:
            instruments[measured.instrument].record(measured.value, measured.attributes)
    data = reader.get_metrics_data()
    provider.shutdown()
    if data is None:
        return None
    start = _nanoseconds(min(trace.run.started_at for trace in traces))
    return _at(data, start, _nanoseconds(max(trace.run.ended_at for trace in traces)))


def _at(data: MetricsData, start: int, end: int) -> MetricsData:
    """The SDK takes the present for the time of what it counts."""
    return MetricsData(
        [
            replace(
                of_resource,
                scope_metrics=[
                    replace(
                        of_scope,
                        metrics=[
                            replace(
                                metric,
                                data=HistogramData(
                                    data_points=[
                                        replace(point, start_time_unix_nano=start, time_unix_nano=end)
                                        for point in metric.data.data_points
                                        if isinstance(point, HistogramDataPoint)
                                    ],
                                    aggregation_temporality=AggregationTemporality.DELTA,
                                ),
                            )
                            for metric in of_scope.metrics
                        ],
                    )
                    for of_scope in of_resource.scope_metrics
                ],
            )
            for of_resource in data.resource_metrics
        ]
    )
