"""What an OpenAI-wire server writes: the frames of a streamed answer, whole answers, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmesc.providers.faults.wire import FaultWire, Wanted, halves


class ChatWire(FaultWire):
    """Chat Completions."""

    def role(self) -> bytes:
        """The first frame of a stream, which has no content."""
        return self._chunk({"role": "assistant", "content": ""})

    def token(self, text: str) -> bytes:
        """A frame with some of the answer."""
        return self._chunk({"content": text})

    def finish(self, reason: str = "stop") -> bytes:
        """The frame that says why the answer ended."""
        return self._chunk({}, reason)

    def usage(self, tokens: int) -> bytes:
        """The frame that counts tokens."""
        return self._framed({**self._head("chat.completion.chunk"), "choices": [], "usage": _usage(tokens)})

    def done(self) -> bytes:
        """The frame behind the last."""
        return self.frame(b"[DONE]")

    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        return json.dumps({**self._head("chat.completion"), "choices": [choice], "usage": _usage(tokens)}).encode()

    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """A head and half of the arguments for each, then the other halves: calls are told apart by their index."""
        parts = [halves(json.dumps(call.arguments)) for call in wanted]
        heads = [
            {"index": index, "id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": head}}
            for index, (call, (head, _)) in enumerate(zip(wanted, parts, strict=True))
        ]
        tails = [{"index": index, "function": {"arguments": tail}} for index, (_, tail) in enumerate(parts)]
        return b"".join(self._chunk({"tool_calls": [part]}) for part in (*heads, *tails)) + self._chunk({}, "tool_calls")

    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""
        calls = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
            for call in wanted
        ]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json.dumps({**self._head("chat.completion"), "choices": [choice], "usage": _usage(1)}).encode()

    def error(self, message: str, code: str | None = None, kind: str = "server_error") -> bytes:
        """The body of an error."""
        return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return self._framed({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-fault", "object": kind, "created": 0, "model": self._model}

    def _framed(self, value: Any) -> bytes:
        return self.frame(json.dumps(value).encode())


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
