"""What a server of the Responses API writes: named and numbered events, the whole response in the last of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from llmesc.providers.faults.wire import FaultWire, Wanted, halves


class ResponsesWire(FaultWire):
    """`/v1/responses`."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._told: list[str] = []
        self._number = 0

    def role(self) -> bytes:
        """The response is there, and its only item begins."""
        item = {"type": "message", "id": "msg_fault", "role": "assistant", "status": "in_progress", "content": []}
        return (
            self._event("response.created", response=self._response([], "in_progress"))
            + self._event("response.in_progress", response=self._response([], "in_progress"))
            + self._event("response.output_item.added", output_index=0, item=item)
        )

    def token(self, text: str) -> bytes:
        """A delta of the item's text."""
        self._told.append(text)
        return self._event("response.output_text.delta", item_id="msg_fault", output_index=0, delta=text, obfuscation="pad")

    def finish(self, reason: str = "stop") -> bytes:
        """The item and the response, whole."""
        text, status = "".join(self._told), _status(reason)
        return self._event("response.output_item.done", output_index=0, item=_item(text)) + self._event(
            f"response.{status}", response=self._answer(text, reason, len(self._told))
        )

    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""
        return json.dumps(self._answer(text, reason, tokens)).encode()

    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """An item for each call, its arguments in two deltas; the whole response holds them once more."""
        items = [_call(call) for call in wanted]
        frames = [self._call_frames(number, item) for number, item in enumerate(items, 1)]
        response = {**self._response(items, "completed"), "usage": _usage(1)}
        return b"".join(frames) + self._event("response.completed", response=response)

    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""
        return json.dumps({**self._response([_call(call) for call in wanted], "completed"), "usage": _usage(1)}).encode()

    def error(self, message: str, code: str | None = None) -> bytes:
        """The body of an error, as Chat Completions has it."""
        return json.dumps({"error": {"message": message, "type": "server_error", "param": None, "code": code}}).encode()

    def error_frame(self, message: str, code: str | None = None) -> bytes:
        """An error inside a stream, told twice: as itself, and as how the response ended."""
        said = {"code": code or "server_error", "message": message}
        failed = {**self._response([], "failed"), "error": said}
        return self._event("error", **said, param=None) + self._event("response.failed", response=failed)

    def named_error(self, message: str, code: str) -> bytes:
        """The same."""
        return self.error_frame(message, code)

    def _call_frames(self, index: int, item: dict[str, Any]) -> bytes:
        begun = {**item, "arguments": "", "status": "in_progress"}
        where = {"item_id": item["id"], "output_index": index}
        return (
            self._event("response.output_item.added", output_index=index, item=begun)
            + b"".join(
                self._event("response.function_call_arguments.delta", **where, delta=half) for half in halves(item["arguments"])
            )
            + self._event("response.function_call_arguments.done", **where, arguments=item["arguments"])
            + self._event("response.output_item.done", output_index=index, item=item)
        )

    def _event(self, name: str, **more: Any) -> bytes:
        self._number += 1
        said = {"type": name, "sequence_number": self._number, **more}
        return f"event: {name}\n".encode() + self.frame(json.dumps(said).encode())

    def _answer(self, text: str, reason: str, tokens: int) -> dict[str, Any]:
        return {
            **self._response([_item(text)], _status(reason)),
            "incomplete_details": {"reason": "max_output_tokens"} if reason == "length" else None,
            "usage": _usage(tokens),
        }

    def _response(self, output: list[dict[str, Any]], status: str) -> dict[str, Any]:
        return {"id": "resp_fault", "object": "response", "status": status, "model": self._model, "error": None, "output": output}


def _usage(tokens: int) -> dict[str, int]:
    return {"input_tokens": 7, "output_tokens": tokens, "total_tokens": 7 + tokens}


def _call(call: Wanted) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{call.name}",
        "call_id": call.call_id,
        "name": call.name,
        "arguments": json.dumps(call.arguments),
        "status": "completed",
    }


def _item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_fault", "role": "assistant", "status": "completed", "content": [part]}


def _status(reason: str) -> str:
    return "incomplete" if reason == "length" else "completed"
