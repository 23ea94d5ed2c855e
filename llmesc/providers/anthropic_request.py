"""A request as the Messages API writes it. Pure translation; what the wire has no place for is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.resolution import Offering, Resolution
from llmesc.providers.lenient_json import as_list, as_object
from llmesc.providers.prefill import prefill
from llmesc.providers.request_parts import arguments_object, json_wish, picture, with_a_last_word
from llmesc.providers.tool_ids import with_accepted_ids

DEFAULT_MAX_TOKENS = 8192
"""The wire has to be told how long an answer may be; every model in service can write this much."""
HOTTEST = 1.0
"""A higher temperature is refused, though other wires take it."""
REDACTED = "redacted:"
"""Begins the signature of thinking that was handed on encrypted: all there is of it is that signature."""


def messages_body(request: Request, resolution: Resolution, options: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON body of `POST /v1/messages`.

    Thinking goes back with its signature to the provider that signed it; that of others is left out. A schema is enforced by
    models whose `schema` capability is confirmed, as far as the wire knows its keywords; else it is asked for in words.
    `options` of the instance: `thinking = true` lets the model think before it answers, and shows what it thought.
    """
    native = enforces_schema(request, resolution)
    system = [message.text for message in request.messages if message.role == "system"]
    system.append("" if native else json_wish(request))
    goes_on = prefill("anthropic", resolution.model, options) != "none"
    messages = request.messages if goes_on else with_a_last_word(request.messages)
    body: dict[str, Any] = {
        "model": resolution.model,
        "max_tokens": request.max_output_tokens or _longest_answer(resolution.offering),
        "messages": _turns(with_accepted_ids(messages), resolution.provider),
    }
    if said := "\n\n".join(text for text in system if text):
        body["system"] = said
    if request.stream:
        body["stream"] = True
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
        ]
    if native:
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    if options.get("thinking", False):
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif request.temperature is not None:  # a model that thinks takes none
        body["temperature"] = min(request.temperature, HOTTEST)
    return body


def enforces_schema(request: Request, resolution: Resolution) -> bool:
    """Whether the API itself keeps the answer to the request's schema."""
    return _is_enforceable(request.schema) and "schema" in (resolution.offering.capabilities or ())


def _longest_answer(offering: Offering) -> int:
    """Servers that add prompt and answer refuse an answer as long as their window."""
    half = offering.context_window // 2 if offering.context_window else DEFAULT_MAX_TOKENS
    return offering.max_output_tokens or max(1, min(DEFAULT_MAX_TOKENS, half))


def _turns(messages: Iterable[Message], provider: str) -> list[dict[str, Any]]:
    """User and assistant in turn: what follows on the same side joins it, and results stand before what is said to them."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = list(_blocks(message, provider))
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    return turns


def _blocks(message: Message, provider: str) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        match part:
            case Text(text=text):
                if text and not text.isspace():  # a block without words is refused
                    yield {"type": "text", "text": text}
            case Image():
                yield {"type": "image", "source": _source(part)}
            case Thinking(signature=signature):
                if signature and part.provider == provider:
                    yield _thinking(part.text, signature)
            case ToolCall():
                yield {"type": "tool_use", "id": part.call_id, "name": part.name, "input": arguments_object(part)}
            case ToolResult(content=content):
                result = {"type": "tool_result", "tool_use_id": part.call_id, "content": content}
                yield {**result, "is_error": True} if part.is_error else result


def _thinking(text: str, signature: str) -> dict[str, Any]:
    if signature.startswith(REDACTED):
        return {"type": "redacted_thinking", "data": signature.removeprefix(REDACTED)}
    return {"type": "thinking", "thinking": text, "signature": signature}


def _source(image: Image) -> dict[str, Any]:
    data = picture(image)
    if data is None:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": data.media_type, "data": data.base64}


_ENFORCED = frozenset(
    ("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf", "description", "title")
)
"""Keywords of JSON Schema that the API knows. It refuses a schema with others, such as `minimum`."""


def _is_enforceable(schema: Any) -> bool:
    """Whether the API takes this schema: known keywords, and no object that is open to more properties."""
    if not isinstance(schema, Mapping) or not schema.keys() <= _ENFORCED:
        return False
    kinds = schema.get("type")
    is_object = "properties" in schema or "object" in (kinds if isinstance(kinds, list) else [kinds])
    if is_object and schema.get("additionalProperties") is not False:
        return False
    inner = [*as_object(schema.get("properties")).values(), *as_list(schema.get("anyOf")), *as_list(schema.get("allOf"))]
    return all(map(_is_enforceable, [*inner, *([schema["items"]] if "items" in schema else [])]))
