"""Ids of tool calls as every wire takes them: those that another provider made are not always ones."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from llmesc.escalation.messages import Message, Part, ToolCall, ToolResult

_ACCEPTED = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""What Anthropic takes, and OpenAI on both of its wires."""


def with_accepted_ids(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same conversation, every call with an accepted id of its own, every result with that of its call.

    An id that can stay does. Others become `call_N` in the order of their calls, so that what is added to a conversation
    changes none before it.
    """
    renaming = _Renaming()
    return tuple(replace(message, parts=tuple(map(renaming.renamed, message.parts))) for message in messages)


class _Renaming:
    def __init__(self) -> None:
        self._used: set[str] = set()
        self._fresh = (name for number in count() if (name := f"call_{number}") not in self._used)
        self._waiting: defaultdict[str, deque[str]] = defaultdict(deque)
        """The new ids of calls without a result yet, by their old one: calls that share an id are answered in order."""

    def renamed(self, part: Part) -> Part:
        if isinstance(part, ToolCall):
            keep = part.call_id not in self._used and _ACCEPTED.fullmatch(part.call_id)
            call_id = part.call_id if keep else next(self._fresh)
            self._used.add(call_id)
            self._waiting[part.call_id].append(call_id)
            return replace(part, call_id=call_id)
        if isinstance(part, ToolResult) and self._waiting[part.call_id]:
            return replace(part, call_id=self._waiting[part.call_id].popleft())
        return part
