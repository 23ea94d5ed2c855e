"""The Responses wire over real sockets: where it calls, what it carries, and how what is its own alone is judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind as K
from llmesc.escalation.pieces import Call, Finish, TextPiece
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import Exchange, FaultServer
from llmesc.providers.http import Http
from llmesc.providers.responses import ResponsesProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider(endpoint: Endpoint, http: Http) -> ResponsesProvider:
    return ResponsesProvider(replace(endpoint, api="openai-responses"), http)


async def test_a_request_carries_the_key_the_attempt_and_the_options_of_the_instance(
    endpoint: Endpoint, http: Http, a_call: Callable[..., Call], outcome: Any
) -> None:
    async with FaultServer(key="sk-canary-0123456789") as server:
        there = replace(endpoint, base_url=server.base_url, options={"thinking": True})
        _, failure = await outcome(ResponsesProvider(there, http), a_call("ok"))

    assert failure is None
    (sent,) = server.requests
    assert (sent.path, sent.headers["idempotency-key"]) == ("/v1/responses", "attempt-1")
    assert sent.body["reasoning"] == {"summary": "auto"}
    assert sent.body["store"] is False


async def test_an_error_that_is_told_twice_is_one_failure(
    provider: ResponsesProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def fails(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.token("Hi"), x.wire.error_frame("You exceeded your current quota", "insufficient_quota"))
        await x.end_stream()

    server.script["m"] = fails
    pieces, failure = await outcome(provider, a_call("m"))

    assert (failure.kind, failure.provider_code) == (K.ACCOUNT, "insufficient_quota")
    assert pieces[1:] == [TextPiece("Hi")]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "broke"}}}, K.SERVER_ERROR),
        ({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "no"}}}, K.RATE_LIMIT),
        ({"type": "response.failed", "response": {"error": None}}, K.SERVER_ERROR),
        ({"type": "error", "code": "server_error", "message": "broke", "param": None}, K.SERVER_ERROR),
        ({"type": "response.output_text.done", "text": "Hi"}, K.PROTOCOL),
    ],
)
async def test_what_ends_an_answer_before_its_time_is_judged_by_what_it_says(
    provider: ResponsesProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any, event: Any, kind: K
) -> None:
    async def behave(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.role(), x.wire.token("Hi"), x.wire.frame(json.dumps(event).encode()))
        await x.end_stream()

    server.script["m"] = behave
    pieces, failure = await outcome(provider, a_call("m"))

    assert failure.kind is kind, failure
    assert pieces[1:] == [TextPiece("Hi")]


async def test_what_the_filter_cut_is_an_answer_and_left_to_quality(
    provider: ResponsesProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    event = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}

    async def filtered(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.token("Hi"), x.wire.frame(json.dumps(event).encode()))
        await x.end_stream()

    server.script["m"] = filtered
    pieces, failure = await outcome(provider, a_call("m"))

    assert failure is None
    assert pieces[1:] == [TextPiece("Hi"), Finish("content_filter")]


async def test_a_response_that_is_not_at_its_end_is_no_answer(
    provider: ResponsesProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def queued(x: Exchange) -> None:
        await x.respond(200, b'{"object": "response", "status": "queued", "output": [], "error": null}')

    server.script["m"] = queued
    _, failure = await outcome(provider, a_call("m", stream=False))

    assert (failure.kind, failure.rule) == (K.PROTOCOL, "transport.no_terminal_sign")
