"""A request as Ollama's `/api/chat` writes it. Pure translation; what the wire has no place for is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult
from llmesc.providers.request_parts import arguments_object, function_tools, json_wish, picture, tool_names


def ollama_body(
    request: Request, model: str, provider: str, options: Mapping[str, Any], context_window: int | None
) -> dict[str, Any]:
    """The JSON body of `POST /api/chat`. Raises `CallFailed` (payload) for a picture that only has an address.

    `context_window`, where the configuration says it, is what the server is told to keep free for the model; without that it
    cuts long prompts to a default of its own. `options` of the instance: `thinking = true` or `false` for models that can
    do both, `logprobs = true` for how sure the model was.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request, provider),
        "stream": request.stream,
        # A prompt that does not fit is a failure that the next candidate can put right, not one to be cut in silence.
        "truncate": False,
        "shift": False,
    }
    if request.tools:
        body["tools"] = function_tools(request.tools)
    elif request.schema is not None:
        body["format"] = request.schema
    elif request.expect == "json":
        body["format"] = "json"
    if (thinking := options.get("thinking")) is not None:
        body["think"] = thinking
    if options.get("logprobs", False):
        body["logprobs"] = True
    settings = {
        "num_ctx": context_window,
        "num_predict": request.max_output_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
    }
    if said := {name: value for name, value in settings.items() if value is not None}:
        body["options"] = said
    return body


def _messages(request: Request, provider: str) -> list[dict[str, Any]]:
    """The turns, after the wish for JSON in words: under a format alone a model may write white space for ever."""
    names: dict[str, str] = {}
    messages: list[dict[str, Any]] = []
    if wish := json_wish(request):
        messages.append({"role": "system", "content": wish})
    for message in request.messages:
        names |= tool_names(message)
        messages += _turn(message, provider, names)
    return messages


def _turn(message: Message, provider: str, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A message for each tool result, then one for all the rest, if there is any."""
    for part in message.parts:
        if isinstance(part, ToolResult):
            # The wire has no mark for a tool that failed, so the text says it.
            content = f"Error: {part.content}" if part.is_error else part.content
            yield {"role": "tool", "tool_name": names.get(part.call_id, ""), "tool_call_id": part.call_id, "content": content}
    if not any(isinstance(part, Text | Image | ToolCall) for part in message.parts):
        return
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    if thinking := "".join(part.text for part in message.parts if isinstance(part, Thinking) and part.provider == provider):
        wire["thinking"] = thinking
    if images := [_image(part) for part in message.parts if isinstance(part, Image)]:
        wire["images"] = images
    if calls := [_call(part) for part in message.parts if isinstance(part, ToolCall)]:
        wire["tool_calls"] = calls
    yield wire


def _call(part: ToolCall) -> dict[str, Any]:
    return {"id": part.call_id, "function": {"name": part.name, "arguments": arguments_object(part)}}


def _image(image: Image) -> str:
    data = picture(image)
    if data is None:
        raise CallFailed(
            Failure(
                kind=FailureKind.PAYLOAD,
                rule="request.image_address",
                message="Ollama takes pictures as bytes, not by their address",
                matched="image",
            )
        )
    return data.base64
