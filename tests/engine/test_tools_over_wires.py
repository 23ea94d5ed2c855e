"""A conversation with tools that loses its provider goes on over another wire: every pair of wires, streamed and not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.engine.options import Reply
from llmesc.escalation.events import AttemptStarted
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FaultServer, Wanted, tool_calls
from tests.engine.weather import Weather

pytestmark = pytest.mark.anyio

WIRES = ("openai", "openai-responses", "anthropic", "gemini", "ollama")

Round = tuple[str, str, Any, str]
"""Of a call as it was sent back: its id, its tool, the arguments, the result."""


def chat_rounds(body: Any) -> Iterator[Round]:
    results = {message["tool_call_id"]: message["content"] for message in body["messages"] if message["role"] == "tool"}
    for message in body["messages"]:
        for call in message.get("tool_calls") or []:
            arguments = call["function"]["arguments"]
            said = json.loads(arguments) if isinstance(arguments, str) else arguments
            yield call["id"], call["function"]["name"], said, results[call["id"]]


def responses_rounds(body: Any) -> Iterator[Round]:
    results = {item["call_id"]: item["output"] for item in body["input"] if item.get("type") == "function_call_output"}
    for item in body["input"]:
        if item.get("type") == "function_call":
            yield item["call_id"], item["name"], json.loads(item["arguments"]), results[item["call_id"]]


def messages_rounds(body: Any) -> Iterator[Round]:
    blocks = [block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]]
    results = {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}
    for block in blocks:
        if block["type"] == "tool_use":
            yield block["id"], block["name"], block["input"], results[block["id"]]


def gemini_rounds(body: Any) -> Iterator[Round]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    for call, result in zip(calls, results, strict=True):
        assert result["name"] == call["name"]
        yield "", call["name"], call["args"], result["response"]["output"]


ROUNDS: dict[str, Callable[[Any], Iterator[Round]]] = {
    "openai": chat_rounds,
    "openai-responses": responses_rounds,
    "anthropic": messages_rounds,
    "gemini": gemini_rounds,
    "ollama": chat_rounds,
}
ACCEPTED = {"openai": r".{1,40}", "openai-responses": r"[\w-]{1,40}", "anthropic": r"[\w-]{1,40}", "gemini": "", "ollama": ".+"}


def configured(server: FaultServer, first: str, second: str) -> str:
    def provider(name: str, api: str, model: str) -> str:
        base_url = server.origin if api == "ollama" else server.base_url
        return f'[providers.{name}]\napi = "{api}"\ntier = "cloud"\nbase_url = "{base_url}"\nmodels = ["{model}"]\n'

    return f'state = "memory:"\n{provider("a", first, "lost")}{provider("b", second, "found")}'


LONG_ID = "chatcmpl-tool-0123456789abcdef0123456789abcdef"
"""As vLLM makes them; OpenAI takes no more than 40 characters."""

FIRST = (Wanted("functions.temperature:0", "temperature", {"city": "Rome"}), Wanted(LONG_ID, "humidity", {"city": "Rome"}))
SECOND = (Wanted("call_0", "temperature", {"city": "Oslo"}),)
"""With an id that a wire without ids may have made before."""


def plan() -> FaultServer:
    """Two rounds of tools, and between them the first provider falls over."""
    return FaultServer({"lost": [tool_calls(*FIRST), "503"], "found": [tool_calls(*SECOND), "ok"]})


async def converse(file: Path, weather: Weather, *, stream: bool) -> tuple[Reply, list[AttemptStarted]]:
    async with Engine.open(config=load(file, {})) as engine:
        options = AskOptions(tools=[weather.temperature, weather.humidity], max_attempts=2)
        reply = await engine.ask(replace(ask_for("The weather?"), stream=stream), options)
        events = await engine.operations.run_events(reply.run_id)
    return reply, [event for event in events if isinstance(event, AttemptStarted)]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("second", WIRES)
@pytest.mark.parametrize("first", WIRES)
async def test_the_next_wire_takes_over_the_finished_round_and_no_tool_runs_twice(
    tmp_path: Path, first: str, second: str, stream: bool
) -> None:
    weather = Weather()
    async with plan() as server:
        file = tmp_path / "config.toml"
        file.write_text(configured(server, first, second))
        reply, _ = await converse(file, weather, stream=stream)
        last = list(ROUNDS[second](server.calls("found")[-1].body))
        counted = server.count("lost"), server.count("found")

    assert reply.answer.resolution.ref == "b/found"
    assert counted == (2, 2)
    assert weather.asked == ["temperature Rome", "humidity Rome", "temperature Oslo"]
    assert [(name, arguments, result) for _, name, arguments, result in last] == [
        ("temperature", {"city": "Rome"}, "31"),
        ("humidity", {"city": "Rome"}, "12 %"),
        ("temperature", {"city": "Oslo"}, "31"),
    ]
    ids = [call_id for call_id, *_ in last]
    assert all(re.fullmatch(ACCEPTED[second], call_id) for call_id in ids), ids
    assert second == "gemini" or len(set(ids)) == 3


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("first", WIRES)
async def test_a_server_that_takes_nine_characters_gets_ids_of_nine_characters_and_it_is_told(
    tmp_path: Path, first: str, stream: bool
) -> None:
    async with plan() as server:
        file = tmp_path / "config.toml"
        text = configured(server, first, "openai").replace('models = ["found"]', 'preset = "mistral"\nmodels = ["found"]')
        file.write_text(text)
        _, attempts = await converse(file, Weather(), stream=stream)
        before, after = (list(chat_rounds(call.body)) for call in server.calls("found"))

    ids = [call_id for call_id, *_ in after]
    assert all(re.fullmatch(r"[A-Za-z0-9]{9}", call_id) for call_id in ids), ids
    assert len(set(ids)) == 3
    assert before == after[:2], "what was said before stays as it was"
    assert attempts[2].repairs == ("tool calls get new ids",)
