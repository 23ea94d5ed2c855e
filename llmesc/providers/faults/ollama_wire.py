"""What Ollama writes: a JSON object a line, the last of them `done`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmesc.providers.faults.wire import FaultWire, Wanted

_SENTENCES: Mapping[str | None, str] = {
    "invalid_api_key": "unauthorized",
    "insufficient_quota": "you have used up your credit",
    "model_not_found": "model not found, try pulling it first",
    "context_length_exceeded": "the input length exceeds the context length",
    "content_filter": "blocked by the content policy",
    "rate_limit_exceeded": "too many requests",
}
"""What it says where Chat Completions has a code."""


class OllamaWire(FaultWire):
    """`/api/chat`."""

    content_type = "application/x-ndjson"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._told = 0

    def role(self) -> bytes:
        """A line with an empty text."""
        return self._line("")

    def token(self, text: str) -> bytes:
        """A line with some of the answer."""
        self._told += 1
        return self._line(text)

    def finish(self, reason: str = "stop") -> bytes:
        """The line that is done, with the counts of tokens."""
        return self.frame(self.whole("", reason, self._told))

    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""
        counts = {"prompt_eval_count": 7, "eval_count": tokens, "total_duration": 1_000_000}
        return json.dumps({**self._head(text), "done": True, "done_reason": reason, **counts}).encode()

    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """A line for each call, whole and without an id, then the line that is done."""
        lines = [{**self._asking([call]), "done": False} for call in wanted]
        return b"".join(self.frame(json.dumps(line).encode()) for line in lines) + self.finish()

    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""
        return json.dumps({**self._asking(wanted), "done": True, "done_reason": "stop"}).encode()

    def error(self, message: str, code: str | None = None) -> bytes:
        """An error, which here is a sentence."""
        return json.dumps({"error": _SENTENCES.get(code, message)}).encode()

    def keep_alive(self) -> bytes:
        """An empty line."""
        return b"\n"

    def frame(self, data: bytes) -> bytes:
        """A line."""
        return data + b"\n"

    def named_error(self, message: str, code: str) -> bytes:
        """Lines have no names."""
        return self.error_frame(message, code)

    def error_field(self, message: str) -> bytes:
        """Lines have no fields."""
        return self.error_frame(message)

    def _line(self, text: str) -> bytes:
        return self.frame(json.dumps({**self._head(text), "done": False}).encode())

    def _asking(self, wanted: Sequence[Wanted]) -> dict[str, Any]:
        calls = [{"function": {"name": call.name, "arguments": call.arguments}} for call in wanted]
        head = self._head("")
        return {**head, "message": {**head["message"], "tool_calls": calls}}

    def _head(self, text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        return {"model": self._model, "created_at": "2026-01-01T00:00:00Z", "message": message}
