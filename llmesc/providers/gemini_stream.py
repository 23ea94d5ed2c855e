"""Reads Gemini's answers, streamed or whole. Every chunk has the shape of a whole answer; a `finishReason` is the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import FinishReason, Opened, Piece, TextPiece, ThinkingPiece
from llmesc.escalation.redact import redact
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.error_codes import FINISHED
from llmesc.providers.error_fields import squash
from llmesc.providers.lenient_json import as_count, as_list, as_numbers, as_object, storable
from llmesc.providers.sse import SseEvent
from llmesc.providers.transport_error import TransportError
from llmesc.providers.whole_calls import WholeCallsReader

_FINISH: Mapping[str, FinishReason] = {"STOP": "stop", "MAX_TOKENS": "length"}
_FAILURES = frozenset[str]().union(*FINISHED.values())


class GeminiReader(WholeCallsReader):
    """Turns the events of one answer into pieces."""

    end_sign = "a finishReason"

    def __init__(self) -> None:
        super().__init__()
        self._named = False

    def read_whole(self, body: str) -> Iterator[Piece]:
        """A document, or a list of chunks: what a stream is behind a proxy that drops `alt=sse`."""
        if not body.startswith("["):
            yield from super().read_whole(body)
            return
        try:
            chunks = as_list(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise TransportError("bad_json", f"broken JSON: {error}", body) from None
        yield from self.read(SseEvent("message", json.dumps(chunk)) for chunk in chunks)
        self._must_have_ended(body)

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        if chunk.get("error"):
            raise ServerSaidError(raw)
        if (response_id := chunk.get("responseId")) and not self._named:
            # No header names the exchange.
            self._named = True
            self._pieces.append(Opened(storable(str(response_id))))
        self._name_model(chunk.get("modelVersion"))
        if usage := as_object(chunk.get("usageMetadata")):
            self._usage = _usage(usage)
        if reason := as_object(chunk.get("promptFeedback")).get("blockReason"):
            raise _blocked(str(reason), raw)
        candidates = as_list(chunk.get("candidates"))
        candidate = as_object(candidates[0]) if candidates else {}
        for part in as_list(as_object(candidate.get("content")).get("parts")):
            self._part(as_object(part))
        if reason := candidate.get("finishReason"):
            if squash(str(reason)) in _FAILURES:
                raise ServerSaidError(raw)
            self._logprobs = as_numbers([candidate.get("avgLogprobs")])
            self._finish(_FINISH.get(str(reason), "unknown"))

    def _part(self, part: dict[str, Any]) -> None:
        """A signature belongs to the thinking before the part that it stands on."""
        if part.get("thought"):
            self._say(ThinkingPiece, part.get("text"))
            self._sign(part.get("thoughtSignature"))
            return
        self._sign(part.get("thoughtSignature"))
        self._say(TextPiece, part.get("text"))
        if call := as_object(part.get("functionCall")):
            self._call(call.get("id"), call.get("name"), call.get("args"))


def _blocked(reason: str, raw: str) -> Exception:
    """A prompt that was refused is refused for its content, also where the reason (`OTHER`) does not say so."""
    if squash(reason) in _FAILURES:
        return ServerSaidError(raw)
    shown = redact(reason, 100)
    return CallFailed(
        Failure(
            kind=FailureKind.CONTENT_POLICY,
            rule="finish.blocked_prompt",
            message=f"the prompt was blocked: {shown}",
            matched=shown,
            status=200,
            provider_code=shown,
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
