"""Every wire over HTTP against the fault server: what fails is of the same kind on each of them, streamed or not.

What hangs is ended by the limits of a run: `tests/engine/test_every_fault_on_every_wire.py` has that, and all kinds by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Call, Finish, Opened, Piece, TextPiece, UsagePiece
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.secret import Secret
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FAULTS, FaultServer
from llmesc.providers.registry import WIRES, Registry, Wire

pytestmark = pytest.mark.anyio

ANSWER = "Raft keeps a log in step on several machines, as long as most of them can talk to each other."
OVER_HTTP = sorted(WIRES.keys() - {"llamacpp", "simulated"})
OTHERS = [api for api in OVER_HTTP if api != "openai"]
ANSWERS = {"ok", "slow", "drip", "empty", "length", "no_done"}
HANGS = {name for name in FAULTS if "hang" in name} | {"keep_alives"}
FAILURES = [*sorted(FAULTS.keys() - ANSWERS - HANGS - {"endless_error"}), "404", "413", "422", "502", "504", "529"]


@pytest.fixture
async def wire_of(server: FaultServer) -> AsyncIterator[Callable[[str], Wire]]:
    """`wire_of(api)`: that wire, pointed at the fault server."""

    def endpoint(key: CircuitKey) -> Endpoint:
        base_url = server.origin if key.provider == "ollama" else server.base_url
        canary = Secret("sk-canary-0123456789")
        return Endpoint(provider="lab", instance="gpu1", api=key.provider, base_url=base_url, api_key=lambda: canary)

    registry = Registry(endpoint)
    yield lambda api: registry.provider_for(CircuitKey(api))
    await registry.aclose()


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("api", OVER_HTTP)
async def test_a_good_answer_comes_whole_with_its_count_and_its_end(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, stream: bool
) -> None:
    pieces, failure = await outcome(wire_of(api), a_call("ok", stream=stream))

    assert failure is None
    assert isinstance(pieces[0], Opened)
    assert text_of(pieces) == ANSWER
    assert [piece for piece in pieces if isinstance(piece, UsagePiece)][-1].usage == Usage(input_tokens=7, output_tokens=20)
    assert [piece for piece in pieces if isinstance(piece, Finish)] == [Finish("stop", model="ok")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("fault", "reason"), [("length", "length"), ("no_done", "stop"), ("empty", "stop")])
@pytest.mark.parametrize("api", OVER_HTTP)
async def test_an_odd_answer_is_an_answer_and_left_to_quality(
    wire_of: Any, a_call: Callable[..., Call], outcome: Any, api: str, fault: str, reason: str, stream: bool
) -> None:
    pieces, failure = await outcome(wire_of(api), a_call(fault, stream=stream))

    assert failure is None
    assert Finish(reason, model=fault) in pieces
    assert text_of(pieces) == ("" if fault == "empty" else ANSWER)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("api", OTHERS)
async def test_a_fault_is_what_it_is_on_chat_completions(
    wire_of: Any, server: FaultServer, a_call: Callable[..., Call], outcome: Any, api: str, fault: str, stream: bool
) -> None:
    _, on_chat = await outcome(wire_of("openai"), a_call(fault, stream=stream))
    server.requests.clear()

    pieces, failure = await outcome(wire_of(api), a_call(fault, stream=stream))

    assert failure.kind is on_chat.kind, failure
    assert server.count(fault) == 1
    assert not any(isinstance(piece, Finish) for piece in pieces)
    assert failure.retry_after_seconds == on_chat.retry_after_seconds
    assert "canary" not in repr(failure)


@pytest.mark.parametrize("api", OVER_HTTP)
async def test_a_wire_lists_models_and_sends_its_key_where_its_servers_look_for_it(
    a_call: Callable[..., Call], outcome: Any, api: str
) -> None:
    async with FaultServer({"b": "ok", "a": "ok"}, key="right") as server:
        base_url = server.origin if api == "ollama" else server.base_url
        made = Endpoint(provider="lab", instance="gpu1", api=api, base_url=base_url, api_key=lambda: Secret("right"))
        endpoints = {"right": made, "wrong": replace(made, api_key=lambda: Secret("wrong"))}
        registry = Registry(lambda key: endpoints[key.instance])

        right = await registry.probe(CircuitKey(api, "right"))
        wrong = await registry.probe(CircuitKey(api, "wrong"))
        pieces, _ = await outcome(registry.provider_for(CircuitKey(api, "right")), a_call("a"))
        _, refused = await outcome(registry.provider_for(CircuitKey(api, "wrong")), a_call("a"))
        await registry.aclose()

    assert (right.reachable, right.key_accepted, right.models) == (True, True, ("b", "a"))
    assert (wrong.reachable, wrong.key_accepted) == (True, False)
    assert text_of(pieces) == ANSWER
    assert refused.kind == "auth"
    assert not any("right" in request.path for request in server.requests)
