"""Where the events hold text: what was asked, what was said, and what errors repeat of it. The one list of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol, assert_never

from llmesc.escalation.events import (
    Answer,
    AnswerReset,
    AttemptFinished,
    AttemptPriced,
    AttemptStarted,
    CandidateSkipped,
    CircuitChanged,
    Event,
    GateOpened,
    ModelDenied,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    Rejected,
    RunFinished,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallFinished,
    ToolCallRequested,
    Waiting,
)
from llmesc.escalation.failures import Failure
from llmesc.escalation.messages import Image, Message, Part, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec

_QUOTING = frozenset({"circuit_open", "forced_open", "probe_elsewhere", "denied"})
"""Reasons whose detail repeats an error; the details of all others are our own words."""
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.\-]{0,64}")


class Rule(Protocol):
    """What becomes of a text."""

    def text(self, text: str) -> str:
        """A whole text; an empty one stays so."""
        ...

    def picture(self, picture: Image) -> Part:
        """A picture."""
        ...

    def data(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """A table that may hold texts anywhere."""
        ...

    def reason(self, reason: str) -> str:
        """A check's verdict: `refusal -80: it says …`."""
        ...

    def delta(self, event: TextDelta | ThinkingDelta) -> TextDelta | ThinkingDelta:
        """A piece of a text."""
        ...


def reworded(event: Event, rule: Rule, tools: Collection[str] = ()) -> Event:
    """`event` with all its texts as `rule` has them. `tools`: names that are the operator's own; a model may make up others."""
    match event:
        case RunStarted():
            rejected = tuple(_rejected(one, rule) for one in event.chain.rejected)
            return replace(event, request=_request(event.request, rule), chain=replace(event.chain, rejected=rejected))
        case CandidateSkipped():
            return replace(event, detail=_detail(event.reason, event.detail, rule))
        case TextDelta() | ThinkingDelta():
            return rule.delta(event)
        case ToolCallRequested():
            return replace(event, name=_name(event.name, rule, tools), arguments=rule.text(event.arguments))
        case ToolCallFinished():
            return replace(event, name=_name(event.name, rule, tools), result=rule.text(event.result))
        case ProviderFailed():
            return replace(event, failure=_failure(event.failure, rule))
        case QualityChecked():
            return replace(event, reasons=tuple(map(rule.reason, event.reasons)))
        case ProviderSwitched():
            return replace(event, detail=rule.text(event.detail))
        case CircuitChanged() | ModelDenied():
            return replace(event, cause=replace(event.cause, message=rule.text(event.cause.message)))
        case RunFinished():
            return replace(event, cause=event.cause and _failure(event.cause, rule))
        case AttemptStarted() | GateOpened() | AttemptFinished() | AttemptPriced() | AnswerReset() | Waiting():
            return event
        case _:
            assert_never(event)


def answer(answer: Answer, rule: Rule, tools: Collection[str] = ()) -> Answer:
    """The answer, as `rule` has it."""
    calls = tuple(
        {**call, "name": _name(str(call["name"]), rule, tools), "arguments": rule.text(str(call["arguments"]))}
        for call in answer.tool_calls
    )
    return replace(answer, text=rule.text(answer.text), tool_calls=calls)


def _request(request: Request, rule: Rule) -> Request:
    body = request.responses_body
    return replace(
        request,
        messages=tuple(Message(role=message.role, parts=_parts(message, rule)) for message in request.messages),
        tools=tuple(_tool(tool, rule) for tool in request.tools),
        schema=None if request.schema is None else rule.data(request.schema),
        responses_body=None if body is None else replace(body, content=rule.data(body.content)),
    )


def _parts(message: Message, rule: Rule) -> tuple[Part, ...]:
    return tuple(_part(part, rule) for part in message.parts)


def _part(part: Part, rule: Rule) -> Part:
    match part:
        case Text():
            return replace(part, text=rule.text(part.text))
        case Image():
            return rule.picture(part)
        case Thinking():
            return replace(part, text=rule.text(part.text), signature=None)
        case ToolCall():
            return replace(part, arguments=rule.text(part.arguments))
        case ToolResult():
            return replace(part, content=rule.text(part.content))
        case _:
            assert_never(part)


def _tool(tool: ToolSpec, rule: Rule) -> ToolSpec:
    return replace(tool, description=rule.text(tool.description), parameters=rule.data(tool.parameters))


def _rejected(rejected: Rejected, rule: Rule) -> Rejected:
    return replace(rejected, detail=_detail(rejected.reason, rejected.detail, rule))


def _detail(reason: str, detail: str, rule: Rule) -> str:
    return rule.text(detail) if reason in _QUOTING else detail


def _name(name: str, rule: Rule, tools: Collection[str]) -> str:
    return name if name in tools else rule.text(name)


def _failure(failure: Failure, rule: Rule) -> Failure:
    code = failure.provider_code
    return replace(
        failure,
        message=rule.text(failure.message),
        matched=rule.text(failure.matched),
        body=rule.text(failure.body),
        provider_code=code if code is None or _PLAIN_CODE.fullmatch(code) else rule.text(code),
    )
