"""Ids of tool calls as every wire takes them: those that another provider made are not always ones."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from llmesc.escalation.messages import Message, Part, ToolCall, ToolResult


class IdRule(NamedTuple):
    """Which ids a server takes."""

    accepted: str
    """A pattern for the whole id."""
    fresh: str = "call_{}"
    """What the Nth new one is made of."""


WORDS = IdRule(r"[A-Za-z0-9_-]{1,40}")
"""Anthropic, and OpenAI's Responses."""
SHORT = IdRule(r".{1,40}")
"""Chat Completions at OpenAI. vLLM makes longer ones; Kimi's have dots and colons, and come back as they were."""


def id_rule(api: str, options: Mapping[str, Any]) -> IdRule | None:
    """The rule of a wire; None where every id is taken, or none is sent.

    `options` of the instance: `tool_id_length = 9` for a server that takes so many letters and digits and nothing else, as
    Mistral's does.
    """
    length = options.get("tool_id_length")
    if length is not None:
        return IdRule(rf"[A-Za-z0-9]{{{length}}}", f"call{{:0{length - len('call')}d}}")
    return {"anthropic": WORDS, "openai-responses": WORDS, "openai": SHORT, "llamacpp": SHORT}.get(api)


def with_accepted_ids(messages: Iterable[Message], rule: IdRule = WORDS) -> tuple[Message, ...]:
    """The same conversation, every call with an accepted id of its own, every result with that of its call.

    An id that can stay does. Others get new ones in the order of their calls, so that what is added to a conversation
    changes none before it.
    """
    messages = tuple(messages)
    if not any(isinstance(part, ToolCall | ToolResult) for message in messages for part in message.parts):
        return messages
    renaming = _Renaming(rule)
    return tuple(replace(message, parts=tuple(map(renaming.renamed, message.parts))) for message in messages)


class _Renaming:
    def __init__(self, rule: IdRule) -> None:
        self._accepted = re.compile(rule.accepted)
        self._used: set[str] = set()
        self._fresh = (name for number in count() if (name := rule.fresh.format(number)) not in self._used)
        self._waiting: defaultdict[str, deque[str]] = defaultdict(deque)
        """The new ids of calls without a result yet, by their old one: calls that share an id are answered in order."""

    def renamed(self, part: Part) -> Part:
        if isinstance(part, ToolCall):
            keep = part.call_id not in self._used and self._accepted.fullmatch(part.call_id)
            call_id = part.call_id if keep else next(self._fresh)
            self._used.add(call_id)
            self._waiting[part.call_id].append(call_id)
            return replace(part, call_id=call_id)
        if isinstance(part, ToolResult) and self._waiting[part.call_id]:
            return replace(part, call_id=self._waiting[part.call_id].popleft())
        return part
