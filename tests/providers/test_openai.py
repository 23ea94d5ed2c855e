"""The Chat Completions wire over real sockets: every fault, streamed and not, and what a call leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.errors import ConfigError
from llmesc.escalation.failures import FailureKind as K
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.pieces import Call, Finish, Opened, TextPiece, UsagePiece
from llmesc.escalation.secret import Secret
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import Exchange, FaultServer, answer
from llmesc.providers.http import Http
from llmesc.providers.openai import OpenAiProvider

pytestmark = pytest.mark.anyio

ANSWER = "Raft keeps a log in step on several machines, as long as most of them can talk to each other."


@pytest.fixture
def provider(endpoint: Endpoint, http: Http) -> OpenAiProvider:
    return OpenAiProvider(endpoint, http)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_good_answer_comes_whole_with_its_count_and_its_end(
    provider: OpenAiProvider, a_call: Callable[..., Call], outcome: Any, stream: bool
) -> None:
    pieces, failure = await outcome(provider, a_call("ok", stream=stream))

    assert failure is None
    assert pieces[0] == Opened(request_id="req-fault", headers={})
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == ANSWER
    assert UsagePiece(Usage(input_tokens=7, output_tokens=20)) in pieces
    assert Finish("stop", model="ok") in pieces


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("fault", "reason"), [("length", "length"), ("no_done", "stop"), ("empty", "stop")])
async def test_an_odd_answer_is_an_answer_and_left_to_quality(
    provider: OpenAiProvider, a_call: Callable[..., Call], outcome: Any, fault: str, reason: str, stream: bool
) -> None:
    pieces, failure = await outcome(provider, a_call(fault, stream=stream))

    assert failure is None
    assert Finish(reason, model=fault) in pieces
    assert any(isinstance(piece, TextPiece) for piece in pieces) == (fault != "empty")


# What each fault is, streamed and not, and how many pieces of text come before it in a stream.
FAULTS = {
    "auth": K.AUTH,
    "permission": K.PERMISSION,
    "no_credit": K.ACCOUNT,
    "rate_limit": K.RATE_LIMIT,
    "overflow": K.CONTEXT_OVERFLOW,
    "no_model": K.MODEL_UNAVAILABLE,
    "bad_request": K.PAYLOAD,
    "policy": K.CONTENT_POLICY,
    "overloaded": K.OVERLOADED,
    "529": K.OVERLOADED,
    "server_error": K.SERVER_ERROR,
    "504": K.TIMEOUT,
    "reset": K.CONNECTION,
    "close": K.CONNECTION,
    "not_http": K.PROTOCOL,
    "redirect": K.PROTOCOL,
    "html": K.PROTOCOL,
    "bad_json": K.PROTOCOL,
    "empty_body": K.PROTOCOL,
    "no_finish": K.PROTOCOL,
    "close_without_finish": K.PROTOCOL,
    "cut": K.PROTOCOL,
    "bad_json_midway": K.PROTOCOL,
    "huge_line": K.PROTOCOL,
    "error_first": K.RATE_LIMIT,
    "error_field": K.SERVER_ERROR,
    "error_in_stream": K.SERVER_ERROR,
    "reset_midway": K.CONNECTION,
}
MIDWAY = {"no_finish", "close_without_finish", "cut", "bad_json_midway", "error_in_stream", "reset_midway"}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_its_kind_and_the_server_was_asked_once(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any, fault: str, stream: bool
) -> None:
    pieces, failure = await outcome(provider, a_call(fault, stream=stream))

    assert failure.kind is FAULTS[fault], failure
    assert server.count(fault) == 1
    assert not any(isinstance(piece, Finish) for piece in pieces)
    assert any(isinstance(piece, TextPiece) for piece in pieces) == (stream and fault in MIDWAY)
    assert "canary" not in repr(failure)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_server_that_is_not_there_is_a_connection_failure(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any, stream: bool
) -> None:
    await server.refuse()
    pieces, failure = await outcome(provider, a_call("ok", stream=stream))

    assert (pieces, failure.kind, failure.rule) == ([], K.CONNECTION, "transport.connect_refused")


async def test_a_refusal_keeps_what_it_says_about_time_and_who_said_it(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    _, failure = await outcome(provider, a_call("rate_limit"))

    assert (failure.status, failure.retry_after_seconds, failure.retry_after_source) == (429, 2.0, "header:retry-after")
    assert failure.message == "the fault server answers 429"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["hang", "hang_after_headers", "hang_midway", "role_then_hang", "keep_alives", "drip"])
async def test_to_stop_waiting_is_to_hang_up(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any, fault: str, stream: bool
) -> None:
    asking = asyncio.create_task(outcome(provider, a_call(fault, stream=stream)))
    while not server.calls(fault):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await asyncio.wait_for(server.calls(fault)[0].left.wait(), 5)


async def test_to_close_the_pieces_is_to_hang_up(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call]
) -> None:
    pieces = provider.call(a_call("hang_midway"))
    while not isinstance(await anext(pieces), TextPiece):
        pass
    await pieces.aclose()

    await asyncio.wait_for(server.calls("hang_midway")[0].left.wait(), 5)


@pytest.mark.parametrize("fault", ["keep_alives", "role_then_hang", "hang_after_headers"])
async def test_what_is_no_content_is_no_sign_of_life(provider: OpenAiProvider, a_call: Callable[..., Call], fault: str) -> None:
    pieces = provider.call(a_call(fault))
    assert isinstance(await anext(pieces), Opened)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(pieces)


async def test_a_server_that_stays_on_the_line_behind_done_does_not_hold_up_the_answer(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def stay(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.token("Hi"), x.wire.finish(), x.wire.done())
        await x.pause(None)

    server.script["stay"] = stay
    async with asyncio.timeout(5):
        pieces, failure = await outcome(provider, a_call("stay"))

    assert failure is None
    assert pieces[1:] == [TextPiece("Hi"), Finish("stop", model="stay")]


async def test_what_breaks_behind_the_finish_takes_nothing_from_the_answer(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def cut_behind(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.token("Hi"), x.wire.finish())
        x.close()

    server.script["m"] = cut_behind
    pieces, failure = await outcome(provider, a_call("m"))

    assert failure is None
    assert pieces[-1] == Finish("stop", model="m")


async def test_an_error_behind_the_finish_is_an_error(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def error_behind(x: Exchange) -> None:
        await x.open_stream()
        await x.chunks(x.wire.token("Hi"), x.wire.finish("length"), x.wire.error_frame("it went wrong"))
        await x.end_stream()

    server.script["m"] = error_behind
    _, failure = await outcome(provider, a_call("m"))

    assert (failure.kind, failure.message) == (K.SERVER_ERROR, "it went wrong")


async def test_a_stream_of_an_answer_that_was_not_to_be_streamed_is_read_all_the_same(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def whole(x: Exchange) -> None:
        await x.respond(200, b"\n\n" + x.wire.whole("Hi", "stop", 1), {"content-type": "text/event-stream"})

    async def streamed(x: Exchange) -> None:
        body = b": waiting\n\n" + x.wire.token("Hi") + x.wire.finish() + x.wire.done()
        await x.respond(200, body, {"content-type": "application/json"})

    server.script.update(whole=whole, streamed=streamed)
    for model, stream in (("whole", True), ("streamed", False)):
        pieces, failure = await outcome(provider, a_call(model, stream=stream))
        assert failure is None
        assert TextPiece("Hi") in pieces


async def test_what_arrives_in_one_read_is_one_piece(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    server.script["burst"] = answer("word " * 500)
    pieces, _ = await outcome(provider, a_call("burst"))
    told = [piece.text for piece in pieces if isinstance(piece, TextPiece)]

    assert "".join(told).split() == ["word"] * 500
    assert len(told) < 20


async def test_the_request_carries_the_attempt_the_key_and_the_headers_of_the_instance(
    endpoint: Endpoint, http: Http, a_call: Callable[..., Call], outcome: Any
) -> None:
    async with FaultServer(key="sk-canary-0123456789") as server:
        own = {"X-Team": "search", "api-key": Secret("sk-canary-9876543210")}
        provider = OpenAiProvider(replace(endpoint, base_url=server.base_url, headers=own), http)
        _, failure = await outcome(provider, a_call("ok"))

    assert failure is None
    sent = server.calls("ok")[0]
    assert sent.path == "/v1/chat/completions"
    assert (sent.headers["idempotency-key"], sent.headers["x-team"]) == ("attempt-1", "search")
    assert sent.body["messages"] == [{"role": "user", "content": "What is Raft?"}]
    assert "canary" not in repr(server.requests)


async def test_the_options_of_the_instance_reach_the_request(
    endpoint: Endpoint, http: Http, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    provider = OpenAiProvider(replace(endpoint, options={"stream_options": False, "logprobs": True}), http)
    await outcome(provider, a_call("ok"))

    body = server.calls("ok")[0].body
    assert "stream_options" not in body
    assert body["logprobs"] is True


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("/", "/v1/chat/completions"),
        ("/deployments/d?api-version=2", "/v1/deployments/d/chat/completions?api-version=2"),
    ],
)
async def test_the_path_goes_before_the_query_of_the_base_url(
    endpoint: Endpoint, http: Http, server: FaultServer, a_call: Callable[..., Call], outcome: Any, suffix: str, path: str
) -> None:
    await outcome(OpenAiProvider(replace(endpoint, base_url=server.base_url + suffix), http), a_call("ok"))

    assert server.requests[0].path == path


async def test_a_server_may_be_located_when_the_call_comes(
    endpoint: Endpoint, http: Http, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def locate() -> str:
        return server.base_url

    _, failure = await outcome(OpenAiProvider(replace(endpoint, base_url=None), http, locate), a_call("ok"))

    assert failure is None
    assert server.count("ok") == 1


async def test_a_key_that_cannot_be_had_or_sent_fails_this_candidate_alone_and_is_not_shown(
    endpoint: Endpoint, http: Http, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    def missing() -> Secret:
        raise ConfigError(("providers.lab.api_key: OPENAI_API_KEY is not set",))

    _, failure = await outcome(OpenAiProvider(replace(endpoint, api_key=missing), http), a_call("ok"))
    assert (failure.kind, failure.message) == (K.AUTH, "providers.lab.api_key: OPENAI_API_KEY is not set")

    for key in ("sk-canary\n0123456789", "sk-canary-ü"):
        unsendable = OpenAiProvider(replace(endpoint, api_key=lambda key=key: Secret(key)), http)
        _, failure = await outcome(unsendable, a_call("ok"))
        assert failure is not None
        assert "canary" not in repr(failure)
    assert server.requests == []


async def test_half_of_a_character_in_a_prompt_does_not_stop_the_request(
    provider: OpenAiProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    _, failure = await outcome(provider, a_call("ok", request=ask_for("caf\udce9 ☕")))

    assert failure is None
    assert server.calls("ok")[0].body["messages"][0]["content"] == "caf\udce9 ☕"


async def test_a_probe_lists_the_models_and_calls_none(endpoint: Endpoint, http: Http) -> None:
    async with FaultServer({"small": "ok", "big": "ok"}, key="sk-canary-0123456789") as server:
        there = replace(endpoint, base_url=server.base_url)
        good = await OpenAiProvider(there, http).probe()
        refused = await OpenAiProvider(replace(there, api_key=lambda: Secret("wrong-key")), http).probe()

    assert (good.reachable, good.key_accepted, good.models, good.failure) == (True, True, ("small", "big"), None)
    assert (refused.reachable, refused.key_accepted, refused.models) == (True, False, None)
    assert refused.failure is not None
    assert refused.failure.kind is K.AUTH
    assert {request.method for request in server.requests} == {"GET"}


async def test_a_probe_without_a_key_accepts_none(endpoint: Endpoint, http: Http, server: FaultServer) -> None:
    found = await OpenAiProvider(replace(endpoint, api_key=lambda: None), http).probe()

    assert (found.reachable, found.key_accepted, found.models) == (True, None, ())


async def test_a_probe_tells_a_wrong_address_from_one_where_nobody_is(
    endpoint: Endpoint, http: Http, server: FaultServer
) -> None:
    wrong = await OpenAiProvider(replace(endpoint, base_url=server.base_url + "/nowhere"), http).probe()
    assert wrong.failure is not None
    assert (wrong.reachable, wrong.failure.kind) == (True, K.PROTOCOL)

    await server.refuse()
    nobody = await OpenAiProvider(endpoint, http).probe()
    assert nobody.failure is not None
    assert (nobody.reachable, nobody.failure.kind) == (False, K.CONNECTION)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"data": [{"name": "m"}]}', b'{"data": 3}'])
async def test_a_list_of_models_that_is_none_is_none(endpoint: Endpoint, http: Http, body: bytes) -> None:
    async def odd(x: Exchange) -> None:
        await x.respond(200, body)

    async with FaultServer(models=odd) as server:
        found = await OpenAiProvider(replace(endpoint, base_url=server.base_url), http).probe()

    assert (found.reachable, found.models) == (True, None)
