"""A request body of the Responses API over real sockets: as it is to that API, translated to every other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from llmesc.escalation.messages import Request
from llmesc.escalation.pieces import Call
from llmesc.escalation.resolution import CircuitKey
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer
from llmesc.providers.registry import Registry, Wire
from llmesc.providers.responses_body import request_of

pytestmark = pytest.mark.anyio

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
BODY: dict[str, Any] = {
    "stream": False,
    "instructions": "Be short.",
    "model": "gpt-5",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Where is it?"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Oslo"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        {"role": "user", "content": "So?"},
    ],
    "tools": [{"type": "function", "name": "weather", "description": "The weather.", "parameters": SCHEMA, "strict": True}],
    "reasoning": {"effort": "low"},
    "temperature": 1e0,
    "max_output_tokens": 64,
    "metadata": {"ticket": "\u00e9 \ud83d\ude00"},
}


@pytest.fixture
async def wire_of(server: FaultServer) -> AsyncIterator[Callable[[str], Wire]]:
    """`wire_of(api)`: that wire, pointed at the fault server."""

    def endpoint(key: CircuitKey) -> Endpoint:
        base_url = server.origin if key.provider == "ollama" else server.base_url
        return Endpoint(provider="lab", instance="gpu1", api=key.provider, base_url=base_url, api_key=lambda: None)

    registry = Registry(endpoint)
    yield lambda api: registry.provider_for(CircuitKey(api))
    await registry.aclose()


@pytest.fixture
async def sent(
    wire_of: Callable[[str], Wire], server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> Callable[..., Any]:
    """`await sent(api, request, stream=…)`: what arrived at the server."""

    async def ask(api: str, request: Request, *, stream: bool = True) -> Any:
        _, failure = await outcome(wire_of(api), a_call("ok", request=request, stream=stream))
        assert failure is None
        return server.requests[-1].body

    return ask


@pytest.mark.parametrize("stream", [True, False])
async def test_the_api_itself_gets_every_byte_but_model_and_stream(sent: Any, stream: bool) -> None:
    arrived = await sent("openai-responses", request_of(BODY), stream=stream)

    assert json.dumps(arrived) == json.dumps({**BODY, "model": "ok", "stream": stream})


async def test_chat_completions_gets_the_conversation(sent: Any) -> None:
    arrived = await sent("openai", request_of(BODY))

    assert arrived["messages"] == [
        {"role": "system", "content": "Be short."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "user", "content": "So?"},
    ]
    assert (arrived["max_tokens"], arrived["temperature"], "reasoning" in arrived) == (64, 1.0, False)
    assert arrived["tools"][0]["function"] == {"name": "weather", "description": "The weather.", "parameters": SCHEMA}


async def test_the_messages_api_gets_the_conversation(sent: Any) -> None:
    arrived = await sent("anthropic", request_of(BODY))

    assert (arrived["system"], arrived["max_tokens"], arrived["temperature"]) == ("Be short.", 64, 1.0)
    assert arrived["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {"type": "text", "text": "So?"},
            ],
        },
    ]


async def test_gemini_gets_the_conversation(sent: Any) -> None:
    arrived = await sent("gemini", request_of(BODY))

    assert arrived["systemInstruction"] == {"parts": [{"text": "Be short."}]}
    user, model, rest = arrived["contents"]
    assert user["parts"] == [{"text": "Where is it?"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}]
    assert model["parts"][0]["functionCall"] == {"name": "weather", "args": {"city": "Oslo"}}
    assert rest["parts"] == [{"functionResponse": {"name": "weather", "response": {"output": "rain"}}}, {"text": "So?"}]


async def test_ollama_gets_the_conversation(sent: Any) -> None:
    arrived = await sent("ollama", request_of(BODY))

    assert [message["role"] for message in arrived["messages"]] == ["system", "user", "assistant", "tool", "user"]
    assert arrived["messages"][1] == {"role": "user", "content": "Where is it?", "images": [PIXEL]}
    assert arrived["messages"][3] == {"role": "tool", "tool_name": "weather", "tool_call_id": "c1", "content": "rain"}
