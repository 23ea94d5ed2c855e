"""A request body of the Responses API along a chain of wires, and on record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine, responses_request
from llmesc.escalation.errors import NothingCallable, UnusableTool
from llmesc.escalation.events import AttemptStarted, CandidateSkipped, RunStarted
from llmesc.providers.faults import FaultServer

pytestmark = pytest.mark.anyio

CHAIN = """
state = "memory:"
[providers.first]
api = "openai-responses"
tier = "cloud"
base_url = "URL/v1"
models = ["ill"]
[providers.chat]
api = "openai"
tier = "cloud"
base_url = "URL/v1"
models = [{ name = "well", max_output_tokens = 512 }]
[providers.last]
api = "openai-responses"
tier = "frontier"
base_url = "URL/v1"
models = ["well"]
"""
ASK: dict[str, Any] = {"model": "theirs", "input": "What is Raft?", "reasoning": {"effort": "low"}, "max_output_tokens": 4096}


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer({"ill": "503"}) as running:
        yield running


@pytest.fixture
async def engine(server: FaultServer, tmp_path: Path) -> AsyncIterator[Engine]:
    file = tmp_path / "config.toml"
    file.write_text(CHAIN.replace("URL", server.origin))
    async with Engine.open(config=load(file, {})) as opened:
        yield opened


async def test_it_goes_as_it_is_then_translated_and_the_record_tells_both(engine: Engine, server: FaultServer) -> None:
    reply = await engine.ask(responses_request(ASK))
    recorded = await engine.operations.run_events(reply.run_id)

    (raw,), (translated,) = server.calls("ill"), server.calls("well")
    assert json.dumps(raw.body) == json.dumps({**ASK, "model": "ill", "stream": True})
    assert translated.path == "/v1/chat/completions"
    assert (translated.body["messages"], translated.body["max_tokens"]) == ([{"role": "user", "content": "What is Raft?"}], 512)
    assert [event.repairs for event in recorded if isinstance(event, AttemptStarted)] == [
        (),
        ("of the request body, reasoning is left out", "the answer may have 512 tokens at most"),
    ]
    (started,) = (event for event in recorded if isinstance(event, RunStarted))
    assert started.request == responses_request(ASK)


async def test_a_wire_that_cannot_carry_it_is_passed_over_and_a_plan_says_the_same(engine: Engine, server: FaultServer) -> None:
    request = responses_request({**ASK, "tools": [{"type": "web_search"}]})

    plan = await engine.plan(request)
    reply = await engine.ask(request)
    recorded = await engine.operations.run_events(reply.run_id)

    because = "only the Responses API takes the tool web_search"
    assert [(planned.skip, planned.detail) for planned in plan.candidates] == [(None, ""), ("unsupported", because), (None, "")]
    assert [(event.resolution.ref, event.reason, event.detail) for event in recorded if isinstance(event, CandidateSkipped)] == [
        ("chat/well", "unsupported", because)
    ]
    assert [call.path for call in server.calls("well")] == ["/v1/responses"]


async def test_where_nobody_can_carry_it_nobody_is_called(engine: Engine, server: FaultServer) -> None:
    request = responses_request({**ASK, "previous_response_id": "resp_1"})

    with pytest.raises(NothingCallable):
        await engine.ask(request, AskOptions(model="chat/well", escalation=False))

    assert server.requests == []


async def test_no_tools_are_run_for_it(engine: Engine) -> None:
    with pytest.raises(UnusableTool, match="brings its own tools"):
        await engine.ask(responses_request(ASK), AskOptions(tools=[len]))
