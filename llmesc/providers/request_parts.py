"""What several wires need of a request in another shape than the core has it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from llmesc.escalation.messages import Image, Message, Request, ToolCall, ToolSpec


class Picture(NamedTuple):
    """A picture by its bytes."""

    media_type: str
    base64: str


def picture(image: Image) -> Picture | None:
    """The bytes of `image`; None where it only has an address."""
    if image.base64 is not None:
        return Picture(image.media_type, image.base64)
    head, comma, data = (image.url or "").partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return Picture(head.removeprefix("data:").partition(";")[0] or image.media_type, data)


def arguments_object(call: ToolCall) -> dict[str, Any]:
    """The arguments as the object that they should be. What a model wrote wrongly is kept, so that it can see it."""
    try:
        value = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"malformed_arguments": call.arguments}


def tool_names(message: Message) -> dict[str, str]:
    """The names of the tools that a turn calls, by the ids of the calls: results carry the id alone."""
    return {part.call_id: part.name for part in message.parts if isinstance(part, ToolCall)}


def count_tool_calls(request: Request) -> int:
    """How many calls the conversation holds: where ids are made, the next one has this number."""
    return sum(isinstance(part, ToolCall) for message in request.messages for part in message.parts)


def function_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """The tools as Chat Completions writes them, and those who took after it."""
    return [
        {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}}
        for tool in tools
    ]


def json_wish(request: Request) -> str:
    """The wish for JSON in words, for a wire that cannot be asked otherwise; empty where none is wished for."""
    if request.schema is not None:
        schema = json.dumps(request.schema, ensure_ascii=False)
        return f"When you give your final answer, answer with JSON that satisfies this JSON Schema and nothing else: {schema}"
    if request.expect == "json":
        return "When you give your final answer, answer with one JSON object and nothing else."
    return ""
