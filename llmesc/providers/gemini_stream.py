"""Reads Gemini's answers, streamed or whole. Every chunk has the shape of a whole answer; a `finishReason` is the end.

A call has its arguments as an object and no id, so ids are made. A thought's signature stands on the part behind it, and is
handed on before that part, as reasoning without a text of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Finish, FinishReason, Opened, Piece, ThinkingPiece, ToolCallPiece
from llmesc.escalation.redact import redact
from llmesc.providers.burst import Burst, storable
from llmesc.providers.error_codes import FINISHED
from llmesc.providers.error_fields import squash
from llmesc.providers.json_fields import as_count, as_list, as_number, as_object, parse, parse_object
from llmesc.providers.openai_stream import ServerSaidError
from llmesc.providers.sse import SseEvent
from llmesc.providers.transport_error import TransportError

_FINISH: Mapping[str, FinishReason] = {"STOP": "stop", "MAX_TOKENS": "length"}
_FAILURES = frozenset[str]().union(*FINISHED.values())


class GeminiReader:
    """Turns the events of one answer into pieces. `first_call` is the number of the first id that is made."""

    def __init__(self, first_call: int = 0) -> None:
        self.finished = False
        """The end of the answer was seen, and `Finish` handed on. Only usage may still come."""
        self.done = False
        """Never: nothing comes behind the last chunk but the end of the body."""
        self._burst = Burst()
        self._next_call = first_call
        self._called = False
        self._response_id: str | None = None

    def read(self, events: Iterable[SseEvent]) -> Iterator[Piece]:
        """What these events bring. Raises `TransportError`, `ServerSaidError` and `CallFailed`, behind what came before."""
        failed: Exception | None = None
        try:
            for name, data in events:
                if name == "error":
                    raise ServerSaidError(data)
                if data and not data.isspace():
                    self._chunk(parse_object(data), data)
        except (TransportError, ServerSaidError, CallFailed) as error:
            failed = error
        yield from self._burst.take()
        if failed is not None:
            raise failed

    def read_whole(self, body: str) -> Iterator[Piece]:
        """The pieces of an answer that came as one document, or as a list of chunks (a proxy that drops `alt=sse`)."""
        answer = parse(body)
        chunks = answer if isinstance(answer, list) else [answer]
        yield from self.read(SseEvent("message", json.dumps(chunk)) for chunk in chunks)
        if not self.finished:
            raise TransportError("no_terminal_sign", "the answer has no finishReason", body)

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        if chunk.get("error"):
            raise ServerSaidError(raw)
        if (response_id := chunk.get("responseId")) and self._response_id is None:
            # The only name there is for this exchange stands in the body.
            self._response_id = storable(str(response_id))
            self._burst.add(Opened(self._response_id))
        if usage := as_object(chunk.get("usageMetadata")):
            self._burst.usage(_usage(usage))
        if reason := as_object(chunk.get("promptFeedback")).get("blockReason"):
            raise _blocked(str(reason), raw)
        candidates = as_list(chunk.get("candidates"))
        candidate = as_object(candidates[0]) if candidates else {}
        for part in as_list(as_object(candidate.get("content")).get("parts")):
            self._part(as_object(part))
        if reason := candidate.get("finishReason"):
            self._finish(str(reason), chunk, candidate, raw)

    def _part(self, part: dict[str, Any]) -> None:
        if part.get("thought"):
            self._burst.thinking(part.get("text"))
        if signature := part.get("thoughtSignature"):
            self._burst.add(ThinkingPiece("", storable(str(signature))))
        if not part.get("thought"):
            self._burst.text(part.get("text"))
        if call := as_object(part.get("functionCall")):
            self._burst.add(
                ToolCallPiece(
                    call_id=storable(str(call.get("id") or f"call_{self._next_call}")),
                    name=storable(str(call.get("name") or "")),
                    arguments=storable(json.dumps(as_object(call.get("args")), ensure_ascii=False)),
                )
            )
            self._next_call += 1
            self._called = True

    def _finish(self, reason: str, chunk: dict[str, Any], candidate: dict[str, Any], raw: str) -> None:
        """The first finish counts. STOP is said of tool calls, too."""
        if self.finished:
            return
        if squash(reason) in _FAILURES:
            raise ServerSaidError(raw)
        self.finished = True
        self._burst.count()
        meant = _FINISH.get(reason, "unknown")
        model = chunk.get("modelVersion")
        self._burst.add(
            Finish(
                "tool_calls" if self._called and meant != "length" else meant,
                storable(str(model)) if model else None,
                as_number(candidate.get("avgLogprobs")),
            )
        )


def _blocked(reason: str, raw: str) -> Exception:
    """A prompt that was refused is refused for its content, also where the reason (`OTHER`) does not say so."""
    if squash(reason) in _FAILURES:
        return ServerSaidError(raw)
    return CallFailed(
        Failure(
            kind=FailureKind.CONTENT_POLICY,
            rule="finish.blocked_prompt",
            message=f"the prompt was blocked: {redact(reason, 100)}",
            matched=redact(reason, 100),
            status=200,
            provider_code=redact(reason, 100),
            body=redact(raw),
        )
    )


def _usage(usage: dict[str, Any]) -> Usage:
    """Thoughts are counted beside the answer's tokens, and what tools of Google's own read beside the prompt's."""
    thoughts = as_count(usage.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=_sum(as_count(usage.get("promptTokenCount")), as_count(usage.get("toolUsePromptTokenCount"))),
        output_tokens=_sum(as_count(usage.get("candidatesTokenCount")), thoughts),
        cached_tokens=as_count(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
    )


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
