"""What a server of the Messages API writes: named events around blocks of content, pings between them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmesc.providers.faults.wire import FaultWire, Wanted, halves

_REASONS = {"stop": "end_turn", "length": "max_tokens", "calls": "tool_use"}
_ERRORS: Mapping[str | None, tuple[str, str]] = {
    None: ("api_error", ""),
    "invalid_api_key": ("authentication_error", ""),
    "insufficient_quota": ("billing_error", ""),
    "model_not_found": ("not_found_error", "model: "),
    "rate_limit_exceeded": ("rate_limit_error", ""),
    "context_length_exceeded": ("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum; "),
    "content_filter": ("invalid_request_error", "Output blocked by content filtering policy; "),
}
"""The error's type, and how its sentence begins where only that tells, by the code that Chat Completions has for the same."""


class MessagesWire(FaultWire):
    """`/v1/messages`."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._told = 0
        self._block = 0
        """The one that is open."""

    def role(self) -> bytes:
        """The head of the message, and of its only block."""
        block = {"type": "text", "text": ""}
        start = self._event("message_start", message=self._message([], None, 1))
        return start + self._event("content_block_start", index=0, content_block=block) + self.keep_alive()

    def token(self, text: str) -> bytes:
        """A delta of the block."""
        self._told += 1
        return self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def finish(self, reason: str = "stop") -> bytes:
        """The ends of the block and of the message; the reason and the count of tokens stand between them."""
        delta = {"stop_reason": _REASONS[reason], "stop_sequence": None}
        return (
            self._event("content_block_stop", index=self._block)
            + self._event("message_delta", delta=delta, usage={"output_tokens": self._told})
            + self._event("message_stop")
        )

    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""
        return json.dumps(self._message([{"type": "text", "text": text}], _REASONS[reason], tokens)).encode()

    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """A block for each call, its arguments in two deltas."""
        return b"".join(map(self._call_frames, wanted)) + self.finish("calls")

    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""
        return json.dumps(self._message([_block(call, call.arguments) for call in wanted], _REASONS["calls"], 1)).encode()

    def error(self, message: str, code: str | None = None) -> bytes:
        """An error, whose type is all the code there is."""
        kind, opening = _ERRORS.get(code, ("invalid_request_error", ""))
        return json.dumps({"type": "error", "error": {"type": kind, "message": opening + message}}).encode()

    def keep_alive(self) -> bytes:
        """A ping."""
        return self._event("ping")

    def error_frame(self, message: str, code: str | None = None) -> bytes:
        """An error inside a stream has a name here."""
        return b"event: error\n" + self.frame(self.error(message, code))

    def named_error(self, message: str, code: str) -> bytes:
        """The same."""
        return self.error_frame(message, code)

    def _call_frames(self, call: Wanted) -> bytes:
        stop = self._event("content_block_stop", index=self._block)
        self._block += 1
        start = self._event("content_block_start", index=self._block, content_block=_block(call, {}))
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in ("", *halves(json.dumps(call.arguments)))]
        return stop + start + b"".join(self._event("content_block_delta", index=self._block, delta=delta) for delta in deltas)

    def _event(self, name: str, **more: Any) -> bytes:
        return f"event: {name}\n".encode() + self.frame(json.dumps({"type": name, **more}).encode() + b"  ")

    def _message(self, content: list[dict[str, Any]], reason: str | None, tokens: int) -> dict[str, Any]:
        return {
            "id": "msg_fault",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "usage": {"input_tokens": 7, "output_tokens": tokens},
        }


def _block(call: Wanted, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.call_id, "name": call.name, "input": arguments}
