"""Reads the answers of the Responses API, streamed or whole. `response.completed`, `.incomplete` or `.failed` is the end.

The last event holds the whole response once more. What was streamed before counts; what was not is read there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import FinishReason, TextPiece, ThinkingPiece
from llmesc.providers.answer_reader import AnswerReader, ServerSaidError
from llmesc.providers.lenient_json import as_count, as_list, as_numbers, as_object
from llmesc.providers.transport_error import TransportError

_INCOMPLETE: Mapping[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_PARAGRAPH = "\n\n"


class ResponsesReader(AnswerReader):
    """Turns the events of one answer into pieces."""

    end_sign = "response.completed, response.incomplete or response.failed"

    def __init__(self) -> None:
        super().__init__()
        self._told = False
        """Whether text came before the last event."""
        self._thought = False
        self._called = False

    def _over(self) -> None:
        """`[DONE]` is no word of this wire: some proxies add it, and it ends nothing."""

    def _whole(self, answer: dict[str, Any], raw: str) -> None:
        if not answer.get("error") and not isinstance(answer.get("output"), list):
            raise TransportError("bad_json", "the JSON has no output", raw)
        self._end(answer, str(answer.get("status") or "completed"), raw)

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        kind = chunk.get("type")
        if chunk.get("error") or kind == "error":
            raise ServerSaidError(raw)
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                self._told = self._told or bool(chunk.get("delta"))
                self._say(TextPiece, chunk.get("delta"))
                self._logprobs += as_numbers(as_object(token).get("logprob") for token in as_list(chunk.get("logprobs")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._thought = True
                self._say(ThinkingPiece, chunk.get("delta"))
            case "response.reasoning_summary_part.added" if chunk.get("summary_index"):
                self._say(ThinkingPiece, _PARAGRAPH)
            case "response.function_call_arguments.delta":
                self._active = True  # the call comes whole with the end of its item
            case "response.output_item.done":
                self._item(as_object(chunk.get("item")), told=True)
            case "response.completed" | "response.incomplete" | "response.failed":
                self._end(as_object(chunk.get("response")), str(kind).removeprefix("response."), raw)
                self.done = True
            case str() if "_call" in kind:
                self._active = True  # a tool of the service's own is at work

    def _item(self, item: dict[str, Any], *, told: bool) -> None:
        """One item of the output, complete. Its text was `told` already, or was not."""
        match item.get("type"):
            case "message" if not told:
                for part in map(as_object, as_list(item.get("content"))):
                    self._say(TextPiece, part.get("text") or part.get("refusal"))
                    self._logprobs += as_numbers(as_object(token).get("logprob") for token in as_list(part.get("logprobs")))
            case "reasoning":
                if not told:
                    parts = map(as_object, as_list(item.get("summary")) or as_list(item.get("content")))
                    self._say(ThinkingPiece, _PARAGRAPH.join(str(part.get("text") or "") for part in parts))
                self._sign(item.get("encrypted_content"))
                self._thought = True
            case "function_call":
                self._calls.add(
                    item.get("call_id") or item.get("id"),
                    call_id=item.get("call_id"),
                    name=item.get("name"),
                    arguments=item.get("arguments"),
                )
                self._active = self._called = True

    def _end(self, response: dict[str, Any], status: str, raw: str) -> None:
        if response.get("error") or status == "failed":
            raise ServerSaidError(raw if response.get("error") else '{"error": {"message": "the response failed"}}')
        if status not in ("completed", "incomplete"):
            raise TransportError("no_terminal_sign", f"the response is {status!r}", raw)
        self._name_model(response.get("model"))
        seen = {"message": self._told, "reasoning": self._thought, "function_call": self._called}
        for item in map(as_object, as_list(response.get("output"))):
            if not seen.get(str(item.get("type")), True):
                self._item(item, told=False)
        if usage := as_object(response.get("usage")):
            self._usage = _usage(usage)
        reason = as_object(response.get("incomplete_details")).get("reason")
        self._finish(_INCOMPLETE.get(str(reason), "unknown") if status == "incomplete" else "stop")


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=as_count(usage.get("input_tokens")),
        output_tokens=as_count(usage.get("output_tokens")),
        cached_tokens=as_count(as_object(usage.get("input_tokens_details")).get("cached_tokens")),
        reasoning_tokens=as_count(as_object(usage.get("output_tokens_details")).get("reasoning_tokens")),
    )
