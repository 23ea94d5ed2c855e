"""A request as the Responses API writes it. Pure translation; what the wire has no place for is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.resolution import CircuitKey
from llmesc.providers.request_parts import json_wish, with_a_last_word
from llmesc.providers.tool_ids import with_accepted_ids

LEAST_OUTPUT_TOKENS = 16
"""A smaller limit is refused, though other wires take it."""
_INCLUDED = {"thinking": "reasoning.encrypted_content", "logprobs": "message.output_text.logprobs"}
"""What has to be asked for, by the option that wants it."""


def responses_body(request: Request, model: str, account: CircuitKey, options: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON body of `POST /responses`. A body that the request was read from stays as it is, but for `model` and `stream`.

    Otherwise nothing is kept at the server: every request holds the whole conversation. Thinking goes back, encrypted as it
    came, to the account that it was made for; that of others is left out. `options` of the instance: `thinking = true` asks to
    see summaries of what the model thought, `logprobs = true` for how sure it was.
    """
    if request.responses_body is not None:
        return {**request.responses_body.content, "model": model, "stream": request.stream}
    messages = with_accepted_ids(with_a_last_word(request.messages))
    body: dict[str, Any] = {
        "model": model,
        "input": [item for message in messages for item in _items(message, account)],
        "store": False,
    }
    if request.stream:
        body["stream"] = True
    if options.get("thinking", False):
        body["reasoning"] = {"summary": "auto"}
    if included := [shown for option, shown in _INCLUDED.items() if options.get(option, False)]:
        body["include"] = included
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": False,  # else schemas are refused that all other wires take
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": request.schema}}
    elif request.expect == "json":
        body["text"] = {"format": {"type": "json_object"}}
        # The mode is refused unless the conversation speaks of JSON.
        body["input"].insert(0, {"role": "system", "content": json_wish(request)})
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = max(request.max_output_tokens, LEAST_OUTPUT_TOKENS)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body


def _items(message: Message, account: CircuitKey) -> Iterator[dict[str, Any]]:
    """One turn: calls, results and reasoning are items of their own, and what is said between them is one each."""
    said: list[Text | Image] = []
    for part in message.parts:
        if isinstance(part, Text | Image):
            said.append(part)
        elif item := _item(part, account):
            yield from _said(message.role, said)
            said = []
            yield item
    yield from _said(message.role, said)


def _said(role: str, parts: list[Text | Image]) -> Iterator[dict[str, Any]]:
    if not parts:
        return
    if role == "assistant":
        text = "".join(part.text for part in parts if isinstance(part, Text))
        yield {"type": "message", "role": role, "content": [{"type": "output_text", "text": text}]}
    elif all(isinstance(part, Text) for part in parts):
        yield {"role": _role(role), "content": "".join(part.text for part in parts if isinstance(part, Text))}
    else:
        yield {"role": _role(role), "content": [_content(part) for part in parts]}


def _role(role: str) -> str:
    """Beside the results in a tool's turn, only the user speaks."""
    return "user" if role == "tool" else role


def _content(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url or f"data:{part.media_type};base64,{part.base64}"}
    return {"type": "input_text", "text": part.text}


def _item(part: Thinking | ToolCall | ToolResult, account: CircuitKey) -> dict[str, Any] | None:
    match part:
        case ToolCall():
            return {"type": "function_call", "call_id": part.call_id, "name": part.name, "arguments": part.arguments}
        case ToolResult():
            # The wire has no mark for a tool that failed, so the text says it.
            output = f"Error: {part.content}" if part.is_error else part.content
            return {"type": "function_call_output", "call_id": part.call_id, "output": output}
        case Thinking(signature=signature) if signature and (part.provider, part.instance) == account:
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            return {"type": "reasoning", "summary": summary, "encrypted_content": signature}
    return None
