"""Reads the answers of Anthropic's Messages API, streamed or whole. `message_stop` is the end of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import FinishReason, TextPiece, ThinkingPiece
from llmesc.providers.answer_reader import AnswerReader, ServerSaidError
from llmesc.providers.anthropic_request import REDACTED
from llmesc.providers.lenient_json import as_count, as_object
from llmesc.providers.transport_error import TransportError

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
_REFUSED = "refusal"


class MessagesReader(AnswerReader):
    """Turns the events of one answer into pieces."""

    end_sign = "message_stop"

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}
        self._reason: Any = None

    def _over(self) -> None:
        """`[DONE]` is no word of this wire: some proxies add it, and it ends nothing."""

    def _whole(self, answer: dict[str, Any], raw: str) -> None:
        """That it parses is the sign that it is complete."""
        if answer.get("error"):
            raise ServerSaidError(raw)
        if not isinstance(answer.get("content"), list):
            raise TransportError("bad_json", "the JSON has no content", raw)
        self._name_model(answer.get("model"))
        for index, block in enumerate(answer["content"]):
            self._begin(index, as_object(block))
        self._count(answer.get("usage"))
        self._end_for(answer.get("stop_reason"), raw)
        self._stop()

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        if chunk.get("error") or chunk.get("type") == "error":
            raise ServerSaidError(raw)
        match chunk.get("type"):
            case "message_start":
                message = as_object(chunk.get("message"))
                self._name_model(message.get("model"))
                # What it says of the answer's length is no count: nothing was written yet.
                self._count({**as_object(message.get("usage")), "output_tokens": None})
            case "content_block_start":
                self._begin(chunk.get("index"), as_object(chunk.get("content_block")))
            case "content_block_delta":
                self._go_on(chunk.get("index"), as_object(chunk.get("delta")))
            case "message_delta":
                self._count(chunk.get("usage"))
                self._end_for(as_object(chunk.get("delta")).get("stop_reason"), raw)
            case "message_stop":
                self._stop()

    def _begin(self, index: Any, block: dict[str, Any]) -> None:
        """A block's first event, which holds next to nothing; or a whole block."""
        match block.get("type"):
            case "text":
                self._say(TextPiece, block.get("text"))
            case "thinking":
                self._say(ThinkingPiece, block.get("thinking"))
                self._sign(block.get("signature"))
            case "redacted_thinking":
                if data := block.get("data"):
                    self._sign(f"{REDACTED}{data}")
            case "tool_use":
                # Of a stream the input comes later, and stands here as an empty object.
                self._call(index, block.get("input") or None, call_id=block.get("id"), name=block.get("name"))

    def _go_on(self, index: Any, delta: dict[str, Any]) -> None:
        match delta.get("type"):
            case "text_delta":
                self._say(TextPiece, delta.get("text"))
            case "thinking_delta":
                self._say(ThinkingPiece, delta.get("thinking"))
            case "signature_delta":
                self._sign(delta.get("signature"))
            case "input_json_delta":
                self._call(index, delta.get("partial_json"))

    def _call(self, index: Any, arguments: Any, *, call_id: Any = None, name: Any = None) -> None:
        self._calls.add(index, call_id=call_id, name=name, arguments=arguments)
        self._active = True

    def _count(self, usage: Any) -> None:
        """Counts are running totals, and each event may hold only some of them."""
        self._counts |= {name: count for name, count in as_object(usage).items() if as_count(count) is not None}
        if self._counts:
            self._usage = _usage(self._counts)

    def _end_for(self, reason: Any, raw: str) -> None:
        if reason == _REFUSED:
            raise ServerSaidError(raw)
        self._reason = reason or self._reason

    def _stop(self) -> None:
        self._finish(_FINISH.get(str(self._reason), "unknown"))
        self.done = True


def _usage(counts: Mapping[str, int]) -> Usage:
    """What was read from a cache or written to one is counted beside the rest of the prompt."""
    prompt = [counts.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    known = [count for count in prompt if count is not None]
    return Usage(
        input_tokens=sum(known) if known else None,
        output_tokens=counts.get("output_tokens"),
        cached_tokens=counts.get("cache_read_input_tokens"),
    )
