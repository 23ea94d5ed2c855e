"""What Gemini writes: chunks that are whole answers by their shape, in lines that end in CR LF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmesc.providers.faults.wire import FaultWire, Wanted

_REASONS = {"stop": "STOP", "length": "MAX_TOKENS"}
_ERRORS: Mapping[str | None, tuple[int, str]] = {
    None: (500, "INTERNAL"),
    "invalid_api_key": (400, "INVALID_ARGUMENT"),
    "insufficient_quota": (429, "RESOURCE_EXHAUSTED"),
    "model_not_found": (404, "NOT_FOUND"),
    "rate_limit_exceeded": (429, "RESOURCE_EXHAUSTED"),
}
"""Code and status in the body, by the code that Chat Completions has for the same."""


class GeminiWire(FaultWire):
    """`generateContent` and `streamGenerateContent?alt=sse`."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._told = 0

    def role(self) -> bytes:
        """A chunk with an empty text."""
        return self._chunk("")

    def token(self, text: str) -> bytes:
        """A chunk with some of the answer."""
        self._told += 1
        return self._chunk(text)

    def finish(self, reason: str = "stop") -> bytes:
        """A chunk with the reason."""
        return self._chunk("", _REASONS[reason])

    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""
        return json.dumps(self._answer(text, _REASONS[reason], tokens)).encode()

    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """A chunk for each call, whole and without an id, the last with the reason, which is none of its own."""
        frames = [self.frame(json.dumps(self._candidate([part], None, 1)).encode()) for part in map(_call, wanted)]
        return b"".join(frames) + self.finish()

    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""
        return json.dumps(self._candidate(list(map(_call, wanted)), "STOP", 1)).encode()

    def error(self, message: str, code: str | None = None) -> bytes:
        """An error with its gRPC status, and with the reason that Google gives for it."""
        number, status = _ERRORS.get(code, (400, "INVALID_ARGUMENT"))
        said: dict[str, Any] = {"code": number, "message": message, "status": status}
        if code:
            said["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper()}]
        return json.dumps({"error": said}).encode()

    def frame(self, data: bytes) -> bytes:
        """An event without a name."""
        return b"data: " + data + b"\r\n\r\n"

    def _chunk(self, text: str, reason: str | None = None) -> bytes:
        return self.frame(json.dumps(self._answer(text, reason, self._told)).encode())

    def _answer(self, text: str, reason: str | None, tokens: int) -> dict[str, Any]:
        return self._candidate([{"text": text}], reason, tokens)

    def _candidate(self, parts: list[dict[str, Any]], reason: str | None, tokens: int) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        usage = {"promptTokenCount": 7, "candidatesTokenCount": tokens, "totalTokenCount": 7 + tokens}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": self._model, "responseId": "resp-fault"}


def _call(call: Wanted) -> dict[str, Any]:
    return {"functionCall": {"name": call.name, "args": call.arguments}}
