"""What several wires need of a request in another shape than the core has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from llmesc.escalation.messages import Image, Message, Request, Text, ToolCall, ToolSpec
from llmesc.escalation.resolution import Offering


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


GO_ON = (
    "Go on exactly where your last message stops: what you write now is put directly behind it, so begin with a space or a line "
    "break only if one belongs there. Repeat nothing of it, say nothing about the interruption, and end where the answer ends."
)


def is_begun(messages: Sequence[Message]) -> bool:
    """Whether the conversation ends with an answer that was begun, for the model to go on with."""
    last = messages[-1] if messages else None
    return last is not None and last.role == "assistant" and bool(last.text.strip()) and not tool_names(last)


def with_a_last_word(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """`messages`, ending with a word of the user's: few servers go on with an answer by themselves, many refuse to be left with
    one, and some answer anew.
    """
    return (*messages, Message(role="user", parts=(Text(text=GO_ON),))) if is_begun(messages) else messages


def within_limits(request: Request, offering: Offering) -> Request:
    """`request`, asking for no longer an answer than the model is known to give: servers refuse what is longer.

    In a window there is room for what the prompt leaves, which may be a quarter longer than estimated, but for a tenth of it at
    least, which chains keep free.
    """
    wanted = request.max_output_tokens
    if wanted is None:
        return request
    most = wanted if offering.max_output_tokens is None else min(wanted, offering.max_output_tokens)
    if (window := offering.context_window) is not None:
        most = min(most, max(window - request.estimated_tokens * 5 // 4, window // 10, 1))
    return request if most == wanted else replace(request, max_output_tokens=most)
