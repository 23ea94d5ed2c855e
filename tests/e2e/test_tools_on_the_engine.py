"""The tool loop against the real llama.cpp server: the model calls by itself, on each of the three wires it is spoken to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.events import AttemptStarted, ToolCallFinished, ToolCallRequested
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FaultServer, Wanted, tool_calls
from tests.e2e import tool_server

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

WIRES = ("openai", "openai-responses", "anthropic")
KEY = "key-of-the-engine"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_KEY", KEY)


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[str]:
    """The base URL of the server."""
    command = [sys.executable, tool_server.__file__, str(weights), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            url = next((line.split()[1] for line in child.stdout if line.startswith("serving ")), None)
            assert url, "the server did not start"
            yield f"{url}/v1"
        finally:
            child.stdin.close()
            child.wait(timeout=20)


class Weather:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def weather(self, city: str) -> str:
        """The weather in a city."""
        self.asked.append(city)
        return "snowy"


def provider(name: str, api: str, base_url: str, tier: str) -> str:
    return (
        f'[providers.{name}]\napi = "{api}"\ntier = "{tier}"\nbase_url = "{base_url}"\n'
        'api_key = { env = "ENGINE_KEY" }\nmodels = ["m"]\n'
    )


async def converse(folder: Path, providers: str, weather: Weather, *, stream: bool) -> tuple[Any, tuple[Any, ...]]:
    file = folder / "config.toml"
    file.write_text('state = "memory:"\n' + providers)
    request = replace(ask_for("What is the weather in Oslo?"), stream=stream, temperature=0.0)
    async with Engine.open(config=load(file, {})) as engine:
        reply = await engine.ask(request, AskOptions(tools=[weather.weather]))
        events = await engine.operations.run_events(reply.run_id)
    return reply, tuple(events)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", WIRES)
async def test_the_model_calls_a_tool_and_answers_with_its_result(served: str, tmp_path: Path, api: str, stream: bool) -> None:
    weather = Weather()

    reply, events = await converse(tmp_path, provider("lab", api, served, "vllm"), weather, stream=stream)

    assert weather.asked == ["Oslo"]
    assert reply.text == "The weather in Oslo is snowy."
    (called,) = (event for event in events if isinstance(event, ToolCallRequested))
    (finished,) = (event for event in events if isinstance(event, ToolCallFinished))
    assert (called.name, called.arguments.replace(" ", "")) == ("weather", '{"city":"Oslo"}')
    assert (finished.call_id, finished.result) == (called.call_id, "snowy")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", WIRES)
async def test_it_takes_over_a_round_that_was_finished_elsewhere(served: str, tmp_path: Path, api: str, stream: bool) -> None:
    weather = Weather()
    asks = tool_calls(Wanted("functions.weather:0", "weather", {"city": "Oslo"}))
    async with FaultServer({"m": [asks, "503"]}) as server:
        providers = provider("lost", "openai", server.base_url, "local") + provider("lab", api, served, "vllm")
        reply, events = await converse(tmp_path, providers, weather, stream=stream)

    assert weather.asked == ["Oslo"]
    assert reply.text == "The weather in Oslo is snowy."
    refs = [event.resolution.ref for event in events if isinstance(event, AttemptStarted)]
    assert refs == ["lost/m", "lost/m", "lab/m"]
