"""The Messages wire over real sockets: where it calls, what it carries, and how what is its own alone is judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind as K
from llmesc.escalation.pieces import Call, Finish, Opened, TextPiece
from llmesc.providers.anthropic import AnthropicProvider
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import Behaviour, Exchange, FaultServer, answer
from llmesc.providers.http import Http

pytestmark = pytest.mark.anyio


@pytest.fixture
def claude(endpoint: Endpoint, server: FaultServer) -> Endpoint:
    return replace(endpoint, api="anthropic", base_url=server.origin)


@pytest.fixture
def provider(claude: Endpoint, http: Http) -> AnthropicProvider:
    return AnthropicProvider(claude, http)


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("/anthropic", "/anthropic/v1/messages"),
        ("/v1?team=search", "/v1/messages?team=search"),
        ("/proxy?team=search", "/proxy/v1/messages?team=search"),
    ],
)
async def test_an_address_may_or_may_not_name_the_version(
    claude: Endpoint, http: Http, server: FaultServer, a_call: Callable[..., Call], outcome: Any, suffix: str, path: str
) -> None:
    await outcome(AnthropicProvider(replace(claude, base_url=server.origin + suffix), http), a_call("ok"))

    assert server.requests[0].path == path


async def test_a_request_carries_the_version_and_the_key_in_headers_of_their_own(
    claude: Endpoint, http: Http, a_call: Callable[..., Call], outcome: Any
) -> None:
    async with FaultServer(key="sk-canary-0123456789") as server:
        provider = AnthropicProvider(replace(claude, base_url=server.origin), http)
        _, failure = await outcome(provider, a_call("ok"))
        probed = await provider.probe()

    assert failure is None
    assert probed.key_accepted
    called, listed = server.requests
    assert called.headers["anthropic-version"] == listed.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in called.headers
    assert listed.path == "/v1/models?limit=1000"
    assert called.body["max_tokens"] > 0


async def test_limits_and_the_name_of_the_exchange_are_kept(
    provider: AnthropicProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    headers = {"request-id": "req_1", "anthropic-ratelimit-tokens-remaining": "9", "retry-after": "3"}

    async def limited(x: Exchange) -> None:
        await x.respond(200, x.wire.whole("Hi", "stop", 1), headers)

    server.script["m"] = limited
    pieces, _ = await outcome(provider, a_call("m", stream=False))

    assert pieces[0] == Opened("req_1", {name: value for name, value in headers.items() if name != "request-id"})


def says(**event: Any) -> Behaviour:
    """Some words, then this event, and the end of the body."""

    async def behave(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.role(), x.wire.token("Hi"), x.wire.frame(json.dumps(event).encode()))
        await x.end_stream()

    return behave


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, K.OVERLOADED),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, K.RATE_LIMIT),
        ({"type": "error", "error": {"details": None, "type": "api_error", "message": "Internal"}}, K.SERVER_ERROR),
        ({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "bio"}}}, K.CONTENT_POLICY),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, K.PROTOCOL),
    ],
)
async def test_what_ends_an_answer_before_its_time_is_judged_by_what_it_says(
    provider: AnthropicProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any, event: Any, kind: K
) -> None:
    server.script["m"] = says(**event)
    pieces, failure = await outcome(provider, a_call("m"))

    assert failure.kind is kind, failure
    assert TextPiece("Hi") in pieces
    assert not any(isinstance(piece, Finish) for piece in pieces)


async def test_a_stream_without_message_stop_was_cut(
    provider: AnthropicProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    server.script["m"] = says(type="message_delta", delta={"stop_reason": "end_turn"})
    _, failure = await outcome(provider, a_call("m"))

    assert (failure.rule, failure.message) == ("transport.no_terminal_sign", "the stream ended without message_stop")


async def test_a_refusal_of_an_answer_that_is_not_streamed_is_one_too(
    provider: AnthropicProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def refuses(x: Exchange) -> None:
        await x.respond(200, json.dumps({"type": "message", "content": [], "stop_reason": "refusal"}).encode())

    server.script["m"] = refuses
    _, failure = await outcome(provider, a_call("m", stream=False))

    assert (failure.kind, failure.provider_code) == (K.CONTENT_POLICY, "refusal")
    assert failure.message == "the answer ended with refusal"


async def test_a_connection_serves_again_after_a_streamed_answer(
    provider: AnthropicProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    server.script["m"] = answer("Hi")
    for _ in range(3):
        await outcome(provider, a_call("m"))

    assert (server.count("m"), server.connections) == (3, 1)
