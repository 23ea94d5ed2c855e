"""A recorded run as OpenTelemetry's GenAI conventions have it: spans and measurements as plain values, without its library.

The conventions are those of the package opentelemetry-semantic-conventions 0.66b2; all of `gen_ai.*` is still marked as being in
development there. What they have no name for is called `llmesc.*`.

The tokens stand on the attempts alone, and only attempts are measured: whoever adds up all spans, or all points, counts no call
twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.events import (
    Answer,
    AttemptFinished,
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
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.status import event_status, run_status
from llmesc.records.sinks.otel_attempt import Attempt, attempt_span, measured
from llmesc.records.sinks.otel_span import OPERATION, Attributes, Happened, Span, Trace, known, parent_of, stable_id

_READABLE: tuple[CaptureMode, ...] = ("full", "redacted")


@dataclass(slots=True)
class _Recorded:
    started: RunStarted
    finished: RunFinished
    attempts: dict[int, Attempt] = field(default_factory=dict)
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
        trace_id=parent.trace_id if parent else stable_id(f"trace {run_id}", 16),
        parent=parent,
        run=_run_span(recorded, provider_name, content=content),
        attempts=tuple(attempt_span(attempt, provider_name, streams=streams) for attempt in ended),
        measured=tuple(each for attempt in ended for each in measured(attempt, provider_name, streams=streams)),
    )


def _recorded(events: Sequence[Event]) -> _Recorded | None:
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    finished = next((event for event in events if isinstance(event, RunFinished)), None)
    if started is None or finished is None:
        return None
    recorded = _Recorded(started, finished)
    for event in events:
        match event:
            case AttemptStarted():
                recorded.attempts[event.attempt] = Attempt(event)
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
                recorded.happened.append(_skipped(event))
            case _:
                pass
    return recorded


def _skipped(event: CandidateSkipped) -> Happened:
    told = {"llmesc.candidate": event.resolution.ref, "llmesc.reason": event.reason, "llmesc.status": event_status(event)}
    return Happened(name="llmesc.candidate_skipped", at=event.at, attributes=known(told))


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
    judge = finished.totals.judge
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
        "llmesc.status": run_status(outcome),
        "llmesc.attempts": finished.totals.attempts,
        "llmesc.skipped": finished.totals.skipped,
        "llmesc.cost.usd": None if finished.totals.cost is None else float(finished.totals.cost),
        "llmesc.judge.calls": judge.calls if judge else None,
        "llmesc.judge.cost.usd": None if judge is None or judge.cost is None else float(judge.cost),
        "llmesc.caller.name": caller.get("name"),
        "llmesc.correlation.id": caller.get("correlation"),
        **(_content(recorded) if content else {}),
    }
    return Span(
        name=f"{OPERATION} {model}".rstrip(),
        span_id=stable_id(f"run {started.run_id}", 8),
        started_at=started.at,
        ended_at=max(started.at, finished.at),
        attributes=known(said),
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
