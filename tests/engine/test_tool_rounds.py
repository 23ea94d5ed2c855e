"""Tools through the doorway: over simulated providers and over two real wires, recorded and replayed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.events import ToolCallFinished
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.exchange import Exchange

pytestmark = pytest.mark.anyio

SIMULATED = """
state = "memory:"
[providers.weak]
api = "simulated"
tier = "local"
[[providers.weak.models]]
name = "m"
script = [{ tool_calls = [{ name = "temperature", arguments = { city = "Rome" } }] }, { fail = "503" }]
[providers.strong]
api = "simulated"
tier = "cloud"
[[providers.strong.models]]
name = "m"
script = [{ tool_calls = [{ name = "humidity", arguments = { city = "Rome" } }] }, { text = "Warm and dry." }]
"""


class Weather:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def temperature(self, city: str) -> int:
        """The temperature in a city, in degrees Celsius."""
        self.asked.append(f"temperature {city}")
        return 31

    async def humidity(self, city: str) -> str:
        """The humidity in a city."""
        self.asked.append(f"humidity {city}")
        return "12 %"


async def test_a_conversation_that_loses_its_provider_goes_on_and_the_record_knows_each_call(tmp_path: Path) -> None:
    weather = Weather()
    file = tmp_path / "config.toml"
    file.write_text(SIMULATED)

    async with Engine.open(config=load(file, {})) as engine:
        reply = await engine.ask("The weather?", AskOptions(tools=[weather.temperature, weather.humidity]))
        recorded = await engine.operations.run_events(reply.run_id)

    assert reply.text == "Warm and dry."
    assert weather.asked == ["temperature Rome", "humidity Rome"]
    assert [(event.call_id, event.result, event.is_error) for event in recorded if isinstance(event, ToolCallFinished)] == [
        ("call_0", "31", False),
        ("call_1", "12 %", False),
    ]


async def test_a_plan_counts_what_the_tools_need(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SIMULATED.replace('name = "m"', 'name = "m"\ncapabilities = ["json"]', 1))

    async with Engine.open(config=load(file, {})) as engine:
        plan = await engine.plan("hi", AskOptions(tools=[Weather().humidity]))

    assert [(rejected.resolution.ref, rejected.reason) for rejected in plan.chain.rejected] == [("weak/m", "missing_capability")]


async def calls_in_chat(x: Exchange) -> None:
    """Chat Completions: two calls, streamed in fragments where a stream is asked for."""
    calls = [
        {"index": index, "id": f"call/{index}", "type": "function", "function": {"name": name, "arguments": '{"city": "Rome"}'}}
        for index, name in enumerate(("temperature", "humidity"))
    ]
    choice: dict[str, Any] = {"index": 0, "finish_reason": "tool_calls"}
    if not x.request.stream:
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        await x.respond(200, json.dumps({"id": "1", "choices": [{**choice, "message": message}]}).encode())
        return
    heads = [{**call, "function": {"name": call["function"]["name"], "arguments": '{"city": '}} for call in calls]
    tails = [{"index": call["index"], "function": {"arguments": '"Rome"}'}} for call in calls]
    await x.open_stream()
    for fragment in (*heads, *tails):
        delta = {"choices": [{"index": 0, "delta": {"tool_calls": [fragment]}}]}
        await x.chunks(f"data: {json.dumps(delta)}\n\n".encode())
    await x.chunks(f"data: {json.dumps({'choices': [{**choice, 'delta': {}}]})}\n\n".encode(), b"data: [DONE]\n\n")
    await x.end_stream()


def two_wires(server: FaultServer) -> str:
    return f"""
state = "memory:"
[providers.a]
api = "openai"
tier = "cloud"
base_url = "{server.base_url}"
models = ["lost"]
[providers.b]
api = "anthropic"
tier = "cloud"
base_url = "{server.base_url}"
models = ["found"]
"""


Plan = list[str | Callable[[Exchange], Awaitable[None]]]


@pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
async def test_another_wire_takes_over_the_finished_rounds(tmp_path: Path, stream: bool) -> None:
    weather = Weather()
    plan: Plan = [calls_in_chat, "503"]
    async with FaultServer({"lost": plan, "found": "ok"}) as server:
        file = tmp_path / "config.toml"
        file.write_text(two_wires(server))
        async with Engine.open(config=load(file, {})) as engine:
            request = replace(ask_for("The weather?"), stream=stream)
            reply = await engine.ask(request, AskOptions(tools=[weather.temperature, weather.humidity]))
        (taken_over,) = server.calls("found")
        back = server.calls("lost")[1].body["messages"]

    assert reply.answer.resolution.ref == "b/found"
    assert weather.asked == ["temperature Rome", "humidity Rome"]
    assert [(message["tool_call_id"], message["content"]) for message in back if message["role"] == "tool"] == [
        ("call/0", "31"),
        ("call/1", "12 %"),
    ]
    asked, answered = taken_over.body["messages"][1:]
    assert [(block["type"], block["name"], block["input"]) for block in asked["content"]] == [
        ("tool_use", "temperature", {"city": "Rome"}),
        ("tool_use", "humidity", {"city": "Rome"}),
    ]
    assert [(block["tool_use_id"], block["content"]) for block in answered["content"]] == [
        (asked["content"][0]["id"], "31"),
        (asked["content"][1]["id"], "12 %"),
    ]
