"""The real llama.cpp server of the embedded engine, which speaks three wires: each is understood as its authors mean it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind as K
from llmesc.escalation.messages import Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.escalation.pieces import Call, Finish, Piece, TextPiece, UsagePiece
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.secret import Secret
from llmesc.providers.base import Endpoint
from llmesc.providers.llamacpp_engine import Engine
from llmesc.providers.llamacpp_weights import SMOLLM2, built_in_weights
from llmesc.providers.registry import Registry, Wire
from llmesc.providers.responses_body import request_of

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

APIS = ["openai", "openai-responses", "anthropic"]
CAPITAL = replace(ask_for("What is the capital of France?", system="Answer in one short sentence."), temperature=0.0)
TOOL_ROUND = Request(
    messages=(
        Message(role="system", parts=(Text(text="You are a helpful assistant."),)),
        Message(role="user", parts=(Text(text="What is the weather in Oslo?"),)),
        Message(
            role="assistant",
            parts=(
                Thinking(text="foreign", signature="of another provider", provider="elsewhere"),
                Text(text="Let me look."),
                ToolCall(call_id="functions.weather:0", name="weather", arguments='{"city": "Oslo"}'),
            ),
        ),
        Message(role="tool", parts=(ToolResult(call_id="functions.weather:0", content="rain"),)),
        Message(role="user", parts=(Text(text="So, what is it like?"),)),
    ),
    tools=(ToolSpec(name="weather", description="The weather in a city.", parameters={"type": "object", "properties": {}}),),
    max_output_tokens=16,
    temperature=0.0,
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    """The engine with the embedded model, its weights where every other test finds them."""
    import platformdirs

    folder = Path(os.environ.get("LLMESC_TEST_WEIGHTS") or platformdirs.user_data_path("llmesc", appauthor=False))
    file = await built_in_weights(SMOLLM2, folder / "models", lambda words, part: None)
    engine = await Engine.spawn()
    try:
        settings: dict[str, Any] = {"file": str(file), "name": "m", "context_window": 512, "threads": 2, "fit": False}
        await engine.load({**settings, "max_tokens": 64, "sampling": {}})
        yield engine
    finally:
        await engine.aclose()


@pytest.fixture
async def wire_of(engine: Engine) -> AsyncIterator[Callable[..., Wire]]:
    """`wire_of(api, key=…)`: that wire, pointed at the engine."""

    def endpoint(key: CircuitKey) -> Endpoint:
        secret = engine.api_key if key.instance == "right" else Secret("wrong-key")
        return Endpoint(
            provider=key.provider, instance="gpu1", api=key.provider, base_url=f"{engine.url}/v1", api_key=lambda: secret
        )

    registry = Registry(endpoint)
    yield lambda api, key="right": registry.provider_for(CircuitKey(api, key))
    await registry.aclose()


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", APIS)
async def test_it_answers_on_every_wire(wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, stream: bool) -> None:
    pieces, failure = await outcome(wire_of(api), a_call("m", request=CAPITAL, stream=stream))

    assert failure is None
    assert "Paris" in text_of(pieces)
    assert [piece.reason for piece in pieces if isinstance(piece, Finish)] == ["stop"]
    counted = [piece.usage for piece in pieces if isinstance(piece, UsagePiece)][-1]
    assert counted.input_tokens and counted.input_tokens > 20
    assert counted.output_tokens and counted.output_tokens > 1


@pytest.mark.parametrize("api", ["openai", "anthropic"])
async def test_an_answer_that_is_cut_at_its_limit_says_so(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str
) -> None:
    """On the third wire this server calls it complete."""
    for stream in (True, False):
        request = replace(ask_for("Count from one to one hundred, in words."), max_output_tokens=4, temperature=0.0)
        pieces, failure = await outcome(wire_of(api), a_call("m", request=request, stream=stream))

        assert failure is None
        assert [piece.reason for piece in pieces if isinstance(piece, Finish)] == ["length"]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", APIS)
async def test_a_round_of_tools_of_another_provider_goes_on_on_every_wire(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, stream: bool
) -> None:
    pieces, failure = await outcome(wire_of(api), a_call("m", request=TOOL_ROUND, stream=stream))

    assert failure is None
    assert text_of(pieces)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", APIS)
async def test_a_request_body_is_answered_as_it_is_and_translated(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, stream: bool
) -> None:
    body = {
        "model": "theirs",
        "instructions": "Answer in one short sentence.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is the capital of France?"}]}],
        "temperature": 0,
        "max_output_tokens": 32,
        "stream": not stream,
        "store": False,
    }

    pieces, failure = await outcome(wire_of(api), a_call("m", request=request_of(body), stream=stream))

    assert failure is None
    assert "Paris" in text_of(pieces)


@pytest.mark.parametrize("api", APIS)
async def test_an_answer_that_was_begun_is_gone_on_with(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str
) -> None:
    begun = Message(role="assistant", parts=(Text(text="The capital of France is"),))
    request = replace(CAPITAL, messages=(*CAPITAL.messages, begun), max_output_tokens=24)

    pieces, failure = await outcome(wire_of(api), a_call("m", request=request))

    assert failure is None
    assert "Paris" in text_of(pieces)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", APIS)
async def test_its_refusals_are_of_the_same_kind_on_every_wire(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, stream: bool
) -> None:
    long = ask_for("word " * 1000)
    _, overflow = await outcome(wire_of(api), a_call("m", request=long, stream=stream))
    _, rejected = await outcome(wire_of(api, key="wrong"), a_call("m", stream=stream))

    assert (overflow.kind, rejected.kind) == (K.CONTEXT_OVERFLOW, K.AUTH), (overflow, rejected)


@pytest.mark.parametrize("api", APIS)
async def test_a_call_right_behind_a_stream_is_not_lost(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str
) -> None:
    for stream in (True, False, True, True):
        request = replace(ask_for("hi"), max_output_tokens=1, temperature=0.0)
        _, failure = await outcome(wire_of(api), a_call("m", request=request, stream=stream))
        assert failure is None


@pytest.mark.parametrize("api", APIS)
async def test_its_models_are_listed_on_every_wire(wire_of: Any, api: str) -> None:
    found = await wire_of(api).probe()

    assert (found.reachable, found.key_accepted, found.models) == (True, True, ("m",))
