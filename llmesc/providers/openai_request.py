"""A request as Chat Completions writes it. Pure translation; what the wire has no place for is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from llmesc.escalation.messages import Image, Message, Part, Request, Text, ToolCall, ToolResult
from llmesc.providers.prefill import prefill
from llmesc.providers.request_parts import function_tools, is_begun, json_wish, with_a_last_word
from llmesc.providers.tool_ids import SHORT, id_rule, with_accepted_ids


def chat_body(request: Request, model: str, options: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """The JSON body of `POST /chat/completions`.

    `options` of the instance: `stream_options = false` for a server that refuses them (its usage is then estimated);
    `logprobs = true` asks for the probabilities of the answer's tokens, which tell how sure the model was; `tool_id_length`:
    see `tool_ids.id_rule`; `prefill`: see there.
    """
    way = prefill("openai", model, options) if is_begun(request.messages) else "none"
    said = with_a_last_word(request.messages) if way == "none" else request.messages
    messages = with_accepted_ids(said, id_rule("openai", options) or SHORT)
    body: dict[str, Any] = {"model": model, "messages": [wire for message in messages for wire in _messages(message)]}
    if way == "prefix":
        body["messages"][-1]["prefix"] = True
    elif way == "continue_final_message":
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.stream:
        body["stream"] = True
        if options.get("stream_options", True):
            body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = function_tools(request.tools)
    if request.schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.schema}}
    elif request.expect == "json":
        body["response_format"] = {"type": "json_object"}
        if not any("json" in message.text.lower() for message in messages):
            # OpenAI refuses its JSON mode unless a message speaks of JSON.
            body["messages"].insert(0, {"role": "system", "content": json_wish(request)})
    if request.max_output_tokens is not None:
        body[_max_tokens_field(base_url)] = request.max_output_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if options.get("logprobs", False):
        body["logprobs"] = True
    return body


def _messages(message: Message) -> Iterator[dict[str, Any]]:
    """One turn: a message for each tool result, then one for all the rest, if there is any."""
    for part in message.parts:
        if isinstance(part, ToolResult):
            # The wire has no mark for a tool that failed, so the text says it.
            content = f"Error: {part.content}" if part.is_error else part.content
            yield {"role": "tool", "tool_call_id": part.call_id, "content": content}
    said = [part for part in message.parts if isinstance(part, Text | Image)]
    calls = [_tool_call(part) for part in message.parts if isinstance(part, ToolCall)]
    if said or calls:
        wire: dict[str, Any] = {"role": message.role, "content": _content(said) if said else None}
        if calls:
            wire["tool_calls"] = calls
        yield wire


def _content(parts: list[Text | Image]) -> str | list[dict[str, Any]]:
    """Plain text where there is only text: many servers read nothing else."""
    if all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": part.url or f"data:{part.media_type};base64,{part.base64}"}}
    assert isinstance(part, Text)
    return {"type": "text", "text": part.text}


def _tool_call(part: ToolCall) -> dict[str, Any]:
    return {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def _max_tokens_field(base_url: str) -> str:
    """OpenAI's reasoning models refuse the old name, other servers do not know the new one."""
    host = urlsplit(base_url).hostname or ""
    return "max_completion_tokens" if host.endswith((".openai.com", ".openai.azure.com")) else "max_tokens"
