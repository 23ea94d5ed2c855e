"""Ids of tool calls as every wire takes them: those that another provider made are not always ones."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from llmesc.escalation.messages import Message, Part, ToolCall, ToolResult

_ACCEPTED = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What Anthropic and OpenAI both take."""


def with_accepted_ids(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same conversation, every call with an id that is accepted and its own, every result with that of its call.

    An id that can stay does. Others become `call_N` by the place of their call, so that they are the same in every round of one
    conversation. Results of calls that share an id belong to them in order.
    """
    messages = tuple(messages)
    taken = {part.call_id for message in messages for part in message.parts if isinstance(part, ToolCall)}
    fresh = (name for number in range(10**9) if (name := f"call_{number}") not in taken)
    used: set[str] = set()
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)

    def accepted(part: Part) -> Part:
        if isinstance(part, ToolCall):
            keep = part.call_id not in used and _ACCEPTED.fullmatch(part.call_id)
            call_id = part.call_id if keep else next(fresh)
            used.add(call_id)
            waiting[part.call_id].append(call_id)
            return replace(part, call_id=call_id)
        if isinstance(part, ToolResult) and (calls := waiting[part.call_id]):
            # The last one stays: a result that comes twice belongs to the same call.
            return replace(part, call_id=calls.popleft() if len(calls) > 1 else calls[0])
        return part

    def turns() -> Iterator[Message]:
        for message in messages:
            yield replace(message, parts=tuple(map(accepted, message.parts)))

    return tuple(turns())
