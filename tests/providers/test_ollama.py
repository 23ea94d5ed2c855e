"""The Ollama wire over real sockets: what it says of the window, and what it cannot carry. Faults: `test_wires_agree.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind
from llmesc.escalation.messages import Image, Message, Request
from llmesc.escalation.pieces import Call
from llmesc.escalation.resolution import Offering
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer
from llmesc.providers.http import Http
from llmesc.providers.ollama import OllamaProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider(server: FaultServer, endpoint: Endpoint, http: Http) -> OllamaProvider:
    return OllamaProvider(replace(endpoint, api="ollama", base_url=server.origin), http)


async def test_the_window_of_the_configuration_is_the_one_that_is_served(
    provider: OllamaProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    call = a_call("ok")
    offering = Offering(offering_id="ok", context_window=32_768)

    await outcome(provider, replace(call, resolution=replace(call.resolution, offering=offering)))

    (request,) = server.requests
    assert (request.path, request.body["options"], request.stream) == ("/api/chat", {"num_ctx": 32_768}, True)


async def test_a_request_that_it_cannot_carry_does_not_leave(
    provider: OllamaProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    picture = Image(url="https://host.test/a.png")
    request = Request(messages=(Message(role="user", parts=(picture,)),))

    pieces, failure = await outcome(provider, a_call("ok", request=request))

    assert (pieces, failure.kind, server.requests) == ([], FailureKind.PAYLOAD, [])


async def test_a_connection_serves_again_after_a_stream_and_after_a_document(
    provider: OllamaProvider, server: FaultServer, a_call: Callable[..., Call], outcome: Any
) -> None:
    for stream in (True, False, True):
        _, failure = await outcome(provider, a_call("ok", stream=stream))
        assert failure is None

    assert server.connections == 1
