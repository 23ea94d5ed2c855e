"""The reader for wires that hand on a tool call whole, its arguments as an object, and in chunks of an answer's own shape."""

from __future__ import annotations

import json
from typing import Any

from llmesc.escalation.pieces import FinishReason, ToolCallPiece
from llmesc.providers.answer_reader import AnswerReader
from llmesc.providers.lenient_json import as_object, storable
from llmesc.providers.transport_error import TransportError


class WholeCallsReader(AnswerReader):
    """Gives ids to calls that have none: `call_0`, `call_1` … of one answer."""

    def __init__(self) -> None:
        super().__init__()
        self._called = 0

    def _whole(self, answer: dict[str, Any], raw: str) -> None:
        self._chunk(answer, raw)
        self._must_have_ended(raw)

    def _must_have_ended(self, raw: str) -> None:
        if not self.finished:
            raise TransportError("no_terminal_sign", f"the answer is without {self.end_sign}", raw)

    def _call(self, call_id: Any, name: Any, arguments: Any) -> None:
        self._end_run()
        self._pieces.append(
            ToolCallPiece(
                call_id=storable(str(call_id or f"call_{self._called}")),
                name=storable(str(name or "")),
                arguments=storable(json.dumps(as_object(arguments), ensure_ascii=False)),
            )
        )
        self._called += 1

    def _finish(self, reason: FinishReason) -> None:
        """An answer that calls a tool has not stopped, though these servers say so."""
        super()._finish("tool_calls" if self._called and reason != "length" else reason)
