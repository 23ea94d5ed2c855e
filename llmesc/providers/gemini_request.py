"""A request as `generateContent` writes it. Pure translation; what the wire has no place for is left out, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from mimetypes import guess_type
from typing import Any

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult
from llmesc.providers.request_parts import arguments_object, json_wish, picture, tool_names, with_a_last_word

FOREIGN_SIGNATURE = "skip_thought_signature_validator"
"""Gemini 3 refuses a call of its own that comes back without its signature; by this, Google says, one tells it that the call
was another model's."""

_UNSIGNED = re.compile(r"(?:^|/)gemini-[12]\b")
"""Models that know no such word, and need none. An alias (`gemini-flash-latest`) is newer."""


def gemini_body(request: Request, model: str, provider: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON body of `generateContent` and `streamGenerateContent`.

    `provider`: whose thinking goes back with its signatures; that of others is left out. `options` of the instance:
    `thinking = true` asks to see thoughts, `logprobs = true` for how sure the model was.
    """
    in_words = json_wish(request) if request.tools else ""
    system = [part.text for message in request.messages if message.role == "system" for part in _texts(message)]
    foreign = None if _UNSIGNED.search(model) else FOREIGN_SIGNATURE
    body: dict[str, Any] = {"contents": _contents(with_a_last_word(request.messages), provider, foreign)}
    if system or in_words:
        body["systemInstruction"] = {"parts": [{"text": text} for text in (*system, in_words) if text]}
    if request.tools:
        body["tools"] = [
            {
                "functionDeclarations": [
                    {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
                    for tool in request.tools
                ]
            }
        ]
    if config := _generation_config(request, options):
        body["generationConfig"] = config
    return body


def _generation_config(request: Request, options: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    # Models before Gemini 3 refuse JSON together with tools: there it is asked for in words.
    if not request.tools and request.wants_json:
        config["responseMimeType"] = "application/json"
        if request.schema is not None:
            config["responseJsonSchema"] = request.schema
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.seed is not None:
        config["seed"] = request.seed
    if options.get("thinking", False):
        config["thinkingConfig"] = {"includeThoughts": True}
    if options.get("logprobs", False):
        config["responseLogprobs"] = True
    return config


def _contents(messages: Iterable[Message], provider: str, foreign: str | None) -> list[dict[str, Any]]:
    """The turns. Those of one side that follow each other are one: all results of a turn's calls must come together."""
    names: dict[str, str] = {}
    contents: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        names |= tool_names(message)
        role = "model" if message.role == "assistant" else "user"
        parts = list(_parts(message, provider, foreign, names))
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: Message, provider: str, foreign: str | None, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """`foreign` stands for a signature on the first call of a turn that has none of this provider."""
    signature: str | None = None
    called = False
    for part in message.parts:
        match part:
            case Thinking(text=text):
                if part.provider == provider:
                    signature = part.signature
                    if text:
                        yield {"text": text, "thought": True}
                continue
            case Text(text=text):
                wire: dict[str, Any] = {"text": text}
            case Image():
                wire = _image(part)
            case ToolCall():
                wire = {"functionCall": {"name": part.name, "args": arguments_object(part)}}
                # Only the first call of a turn has to have one.
                signature = signature or (None if called else foreign)
                called = True
            case ToolResult(call_id=call_id):
                said = {"error" if part.is_error else "output": part.content}
                wire = {"functionResponse": {"name": names.get(call_id, call_id), "response": said}}
        if signature is not None:
            wire["thoughtSignature"] = signature
            signature = None
        yield wire


def _image(image: Image) -> dict[str, Any]:
    data = picture(image)
    if data is not None:
        return {"inlineData": {"mimeType": data.media_type, "data": data.base64}}
    url = image.url or ""
    return {"fileData": {"mimeType": guess_type(url.partition("?")[0])[0] or image.media_type, "fileUri": url}}


def _texts(message: Message) -> Iterator[Text]:
    return (part for part in message.parts if isinstance(part, Text))
