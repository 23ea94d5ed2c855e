"""Tool calls that arrive in fragments, joined."""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.pieces import ToolCallPiece
from llmesc.providers.lenient_json import storable


class ToolCallJoiner:
    """Joins fragments by their index: whatever a wire tells the calls of one answer apart by."""

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []
        self._by_index: dict[str, _PartialCall] = {}

    def add(self, index: Any, *, call_id: Any = None, name: Any = None, arguments: Any = None) -> None:
        """Takes one fragment; a whole call is one too. `arguments`: JSON text, or the value itself."""
        index, call_id, name = (str(value or "") for value in (index, call_id, name))
        call = self._by_index.get(index)
        # One server counts every call as 0, another gives each fragment a new id: only both together begin a call.
        if call is None or (name and call_id and call.call_id and call_id != call.call_id):
            call = self._by_index[index] = _PartialCall()
            self._calls.append(call)
        call.call_id = call.call_id or call_id
        call.name = call.name or name
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments is not None:
            call.arguments.append(json.dumps(arguments, ensure_ascii=False))

    def joined(self) -> list[ToolCallPiece]:
        """The calls, in order. A call without arguments has the empty object, one without an id gets one."""
        return [
            ToolCallPiece(
                call_id=storable(call.call_id) or f"call_{number}",
                name=storable(call.name),
                arguments=storable("".join(call.arguments)) or "{}",
            )
            for number, call in enumerate(self._calls)
        ]


@dataclass(slots=True)
class _PartialCall:
    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
