"""A recorded run as OpenTelemetry's GenAI conventions have it: spans and measurements as plain values, without its library.

The conventions are those of the package opentelemetry-semantic-conventions 0.66b2; all of `gen_ai.*` is still marked as being in
development there. What they have no name for is called `llmesc.*`.

The tokens stand on the attempts alone, and only attempts are measured: whoever adds up all spans, or all points, counts no call
twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.events import (
    Answer,
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    CandidateSkipped,
    Event,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
)
from llmesc.escalation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp

Attributes = dict[str, str | int | float | bool | list[str]]

OPERATION = "chat"
DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"

_PORTS = {"http": 80, "https": 443}
_READABLE: tuple[CaptureMode, ...] = ("full", "redacted")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The caller's span, of a W3C traceparent."""

    trace_id: int
    span_id: int
    sampled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of a span."""

    name: str
    at: Timestamp
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span; times are the recorded ones, ids follow from the run's."""

    name: str
    span_id: int
    started_at: Timestamp
    ended_at: Timestamp
    attributes: Attributes
    remote: bool
    """Whether it is a call to somebody else (`CLIENT`), or happens here (`INTERNAL`)."""
    error: str = ""
    """What its status says; empty: it is no error."""
    events: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One value for a histogram."""

    instrument: str
    value: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All of one run."""

    trace_id: int
    parent: Parent | None
    run: Span
    attempts: tuple[Span, ...]
    measured: tuple[Measured, ...]

    @property
    def is_wanted(self) -> bool:
        """Whether its spans are to be sent: a caller whose own trace is not sampled has no use for them."""
        return self.parent is None or self.parent.sampled


@dataclass(slots=True)
class _Attempt:
    started: AttemptStarted
    failed: ProviderFailed | None = None
    checked: QualityChecked | None = None
    finished: AttemptFinished | None = None
    priced: AttemptPriced | None = None


@dataclass(slots=True)
class _Recorded:
    started: RunStarted
    finished: RunFinished
    attempts: dict[int, _Attempt] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)


def trace_of(events: Sequence[Event], *, provider_name: Callable[[str], str], content: bool) -> Trace | None:
    """What a run's events say; None while there is no beginning or no end. `provider_name` gives the conventions' name for the
    operator's; `content`: whether messages go along, as far as they were captured.
    """
    recorded = _recorded(events)
    if recorded is None:
        return None
    run_id, parent = recorded.started.run_id, parent_of(recorded.started.caller.get("traceparent", ""))
    streams = recorded.started.request.stream
    ended = [attempt for _, attempt in sorted(recorded.attempts.items()) if attempt.finished is not None]
    return Trace(
        trace_id=parent.trace_id if parent else _id(f"trace {run_id}", 16),
        parent=parent,
        run=_run_span(recorded, provider_name, content=content),
        attempts=tuple(_attempt_span(attempt, provider_name, streams=streams) for attempt in ended),
        measured=tuple(each for attempt in ended for each in _measured(attempt, provider_name, streams=streams)),
    )


def parent_of(traceparent: str) -> Parent | None:
    """The span that a recorded traceparent names; None where there is none."""
    parts = traceparent.split("-")
    try:
        _, trace_id, span_id, flags = parts[:4]
        found = Parent(trace_id=int(trace_id, 16), span_id=int(span_id, 16), sampled=bool(int(flags, 16) & _SAMPLED))
    except ValueError:
        return None
    return found if found.trace_id and found.span_id else None


def _id(of: str, size: int) -> int:
    """The same each time, so that what comes twice is seen to."""
    return int.from_bytes(hashlib.sha256(f"llmesc {of}".encode()).digest()[:size]) or 1


def _recorded(events: Sequence[Event]) -> _Recorded | None:
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    finished = next((event for event in events if isinstance(event, RunFinished)), None)
    if started is None or finished is None:
        return None
    recorded = _Recorded(started, finished)
    for event in events:
        match event:
            case AttemptStarted():
                recorded.attempts[event.attempt] = _Attempt(event)
            case ProviderFailed() if event.attempt in recorded.attempts:
                recorded.attempts[event.attempt].failed = event
            case QualityChecked() if event.attempt in recorded.attempts:
                recorded.attempts[event.attempt].checked = event
            case AttemptFinished() if event.attempt in recorded.attempts:
                recorded.attempts[event.attempt].finished = event
            case AttemptPriced() if event.attempt in recorded.attempts:
                recorded.attempts[event.attempt].priced = event
            case ProviderSwitched():
                recorded.happened.append(_switched(event))
            case CandidateSkipped():
                skipped: Attributes = {"llmesc.candidate": event.resolution.ref, "llmesc.reason": event.reason}
                recorded.happened.append(Happened(name="llmesc.candidate_skipped", at=event.at, attributes=skipped))
            case _:
                pass
    return recorded


def _switched(event: ProviderSwitched) -> Happened:
    told: Attributes = {
        "llmesc.from": event.from_resolution.ref,
        "llmesc.to": event.to_resolution.ref,
        "llmesc.because": event.because,
        "llmesc.move": event.move.value,
        "llmesc.tier_upgrade": event.tier_upgrade,
    }
    return Happened(name="llmesc.provider_switched", at=event.at, attributes=told)


# -- the run ------------------------------------------------------------------------------------------------------------------


def _run_span(recorded: _Recorded, provider_name: Callable[[str], str], *, content: bool) -> Span:
    started, finished = recorded.started, recorded.finished
    primary, answer = started.chain.primary, finished.answer
    model = primary.model if primary else ""
    who = answer.resolution if answer else primary
    request, caller, outcome = started.request, started.caller, finished.outcome
    error = "" if outcome in (RunOutcome.ANSWERED, RunOutcome.CANCELLED) else outcome.value
    said: Mapping[str, Any] = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": provider_name(who.provider) if who else "llmesc",
        "gen_ai.request.model": model or None,
        "gen_ai.request.stream": request.stream or None,
        "gen_ai.request.max_tokens": request.max_output_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.seed": request.seed,
        "gen_ai.output.type": "json" if request.wants_json else "text",
        "gen_ai.response.model": answer.resolution.model if answer else None,
        "gen_ai.response.finish_reasons": [answer.finish_reason] if answer else None,
        "gen_ai.conversation.id": caller.get("conversation"),
        "error.type": (finished.cause.kind.value if finished.cause else error) if error else None,
        "llmesc.run.id": started.run_id,
        "llmesc.chain": started.chain.name,
        "llmesc.outcome": outcome.value,
        "llmesc.attempts": finished.totals.attempts,
        "llmesc.skipped": finished.totals.skipped,
        "llmesc.cost.usd": None if finished.totals.cost is None else float(finished.totals.cost),
        "llmesc.caller.name": caller.get("name"),
        "llmesc.correlation.id": caller.get("correlation"),
        **(_content(recorded) if content else {}),
    }
    return Span(
        name=f"{OPERATION} {model}".rstrip(),
        span_id=_id(f"run {started.run_id}", 8),
        started_at=started.at,
        ended_at=max(started.at, finished.at),
        attributes=_known(said),
        remote=False,
        error=error,
        events=tuple(recorded.happened),
    )


def _content(recorded: _Recorded) -> dict[str, Any]:
    """Messages as JSON, where the record has them in words."""
    found: dict[str, Any] = {}
    if recorded.started.capture in _READABLE:
        found["gen_ai.input.messages"] = json.dumps([_message(each) for each in recorded.started.request.messages])
    answer = recorded.finished.answer
    if answer is not None and _mode_of(answer, recorded) in _READABLE:
        calls = [
            {"type": "tool_call", "id": call.get("call_id"), "name": call.get("name"), "arguments": call.get("arguments")}
            for call in answer.tool_calls
        ]
        parts = [*([{"type": "text", "content": answer.text}] if answer.text else []), *calls]
        said = {"role": "assistant", "parts": parts, "finish_reason": answer.finish_reason}
        found["gen_ai.output.messages"] = json.dumps([said])
    return found


def _mode_of(answer: Answer, recorded: _Recorded) -> CaptureMode:
    """As strict as each who wrote at it."""
    wrote = {answer.attempt, *(part.attempt for part in answer.ranges)}
    attempts = (recorded.attempts[number].started.capture for number in wrote if number in recorded.attempts)
    return strictest((recorded.started.capture, *attempts))


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [_part(part) for part in message.parts]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "content": part.text}
        case Thinking():
            return {"type": "reasoning", "content": part.text}
        case ToolCall():
            return {"type": "tool_call", "id": part.call_id, "name": part.name, "arguments": part.arguments}
        case ToolResult():
            return {"type": "tool_call_response", "id": part.call_id, "response": part.content}
        case Image() if part.url is not None and not part.url.startswith("data:"):
            return {"type": "uri", "modality": "image", "uri": part.url}
        case Image():  # its bytes are no telemetry
            return {"type": "blob", "modality": "image", "mime_type": part.media_type, "content": ""}


# -- the attempts -------------------------------------------------------------------------------------------------------------


def _attempt_span(attempt: _Attempt, provider_name: Callable[[str], str], *, streams: bool) -> Span:
    started, finished, failed = attempt.started, attempt.finished, attempt.failed
    assert finished is not None, "only those that ended have a span"
    resolution, usage = started.resolution, finished.usage
    counted = not usage.estimated
    error = _error(attempt)
    cost = attempt.priced.cost if attempt.priced else finished.cost
    said: Mapping[str, Any] = {
        **_dimensions(resolution, provider_name),
        "gen_ai.request.stream": streams or None,
        "gen_ai.response.finish_reasons": [finished.finish_reason] if finished.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": finished.first_token_seconds if streams else None,
        "gen_ai.usage.input_tokens": usage.input_tokens if counted else None,
        "gen_ai.usage.output_tokens": usage.output_tokens if counted else None,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens if counted else None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens if counted else None,
        "error.type": error or None,
        "http.response.status_code": failed.failure.status if failed else None,
        "llmesc.attempt": started.attempt,
        "llmesc.attempt.id": started.attempt_id,
        "llmesc.ref": resolution.ref,
        "llmesc.tier": resolution.tier.label,
        "llmesc.move": started.move.value,
        "llmesc.probe": started.probe or None,
        "llmesc.hedges": started.hedges,
        "llmesc.lost_to": finished.lost_to,
        "llmesc.outcome": finished.outcome.value,
        "llmesc.rule": failed.failure.rule if failed else None,
        "llmesc.quality.score": attempt.checked.score if attempt.checked else None,
        "llmesc.request.id": finished.request_id,
        "llmesc.cost.usd": None if cost is None else float(cost),
    }
    return Span(
        name=f"{OPERATION} {resolution.model}",
        span_id=_id(f"attempt {started.attempt_id}", 8),
        started_at=started.at,
        ended_at=max(started.at, finished.at),
        attributes=_known(said),
        remote=bool(resolution.endpoint),
        # The provider's own words may repeat the prompt; the rule that decided does not.
        error=f"{error}: {failed.failure.rule}" if failed and error else error,
    )


def _error(attempt: _Attempt) -> str:
    """The kind of failure; empty where it is none, as with what was cancelled or lost to another."""
    finished = attempt.finished
    if finished is None or finished.outcome in (AttemptOutcome.SUCCESS, AttemptOutcome.CANCELLED):
        return ""
    return attempt.failed.failure.kind.value if attempt.failed else finished.outcome.value


def _dimensions(resolution: Resolution, provider_name: Callable[[str], str]) -> Attributes:
    """What spans and measurements have in common."""
    found: Attributes = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": provider_name(resolution.provider),
        "gen_ai.request.model": resolution.model,
    }
    try:
        parts = urlsplit(resolution.endpoint)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return found
    if parts.hostname and port:
        found |= {"server.address": parts.hostname, "server.port": port}
    return found


def _measured(attempt: _Attempt, provider_name: Callable[[str], str], *, streams: bool) -> list[Measured]:
    finished = attempt.finished
    assert finished is not None, "only those that ended are measured"
    around, error = _dimensions(attempt.started.resolution, provider_name), _error(attempt)
    ended: Attributes = {**around, "error.type": error} if error else around
    found = [Measured(instrument=DURATION, value=finished.duration_seconds, attributes=ended)]
    if streams and finished.first_token_seconds is not None:
        found.append(Measured(instrument=FIRST_CHUNK, value=finished.first_token_seconds, attributes=around))
    usage = finished.usage
    for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        if tokens and not usage.estimated:  # the conventions want counted ones or none; a call that failed used none
            found.append(Measured(instrument=TOKENS, value=tokens, attributes={**around, "gen_ai.token.type": kind}))
    return found


def _known(said: Mapping[str, Any]) -> Attributes:
    return {name: value for name, value in said.items() if value is not None}
