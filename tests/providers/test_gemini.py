"""The Gemini wire over real sockets: where it asks, and what names the exchange. Its faults are in `test_wires_agree.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.pieces import Call, Opened
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer
from llmesc.providers.gemini import GeminiProvider
from llmesc.providers.http import Http

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("under", "model", "stream", "path"),
    [
        ("/v1", "ok", True, "/v1/models/ok:streamGenerateContent?alt=sse"),
        ("/v1", "ok", False, "/v1/models/ok:generateContent"),
        ("/v1/", "models/ok", False, "/v1/models/ok:generateContent"),
        ("/v1?trace=1", "ok", True, "/v1/models/ok:streamGenerateContent?alt=sse&trace=1"),
        ("/v1", "tunedModels/my own", False, "/v1/tunedModels/my%20own:generateContent"),
        (
            "/v1/projects/p/locations/eu/publishers/google",
            "ok",
            True,
            "/v1/projects/p/locations/eu/publishers/google/models/ok:streamGenerateContent?alt=sse",
        ),
    ],
)
async def test_the_model_and_the_stream_are_in_the_path_and_the_key_is_not(
    server: FaultServer,
    endpoint: Endpoint,
    http: Http,
    a_call: Callable[..., Call],
    outcome: Any,
    under: str,
    model: str,
    stream: bool,
    path: str,
) -> None:
    provider = GeminiProvider(replace(endpoint, api="gemini", base_url=server.origin + under), http)

    await outcome(provider, a_call(model, stream=stream))

    (request,) = server.requests
    assert request.path == path
    assert "canary" not in repr(request)


async def test_the_answer_names_the_exchange(endpoint: Endpoint, http: Http, a_call: Callable[..., Call], outcome: Any) -> None:
    pieces, _ = await outcome(GeminiProvider(replace(endpoint, api="gemini"), http), a_call("ok"))

    assert [piece.request_id for piece in pieces if isinstance(piece, Opened)] == ["req-fault", "resp-fault"]


async def test_an_answer_in_one_list_is_read_where_a_proxy_drops_the_query(
    server: FaultServer, endpoint: Endpoint, http: Http, a_call: Callable[..., Call], outcome: Any
) -> None:
    async def listed(x: Any) -> None:
        await x.respond(200, b"[" + x.wire.whole("Hi", "stop", 1) + b"]")

    server.script["m"] = listed
    pieces, failure = await outcome(GeminiProvider(replace(endpoint, api="gemini"), http), a_call("m"))

    assert (failure, [getattr(piece, "text", "") for piece in pieces].count("Hi")) == (None, 1)
