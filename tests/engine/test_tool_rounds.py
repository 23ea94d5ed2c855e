"""Tools through the doorway, over simulated providers: run, recorded and replayed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.engine.python_tools import toolbox
from llmesc.escalation.errors import BelowQualityBar
from llmesc.escalation.events import AttemptStarted, CandidateSkipped, ToolCallFinished
from tests.engine.weather import Weather

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


GREEDY = """
state = "memory:"
[escalation]
max_tool_rounds = 2
tool_timeout = "20ms"
[providers.greedy]
api = "simulated"
tier = "local"
[[providers.greedy.models]]
name = "m"
script = [{ tool_calls = [{ name = "temperature", arguments = { city = "Rome" } }] }]
"""


async def test_the_configuration_bounds_the_rounds_and_a_toolbox_may_say_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(GREEDY)
    configured, own = Weather(), Weather()

    async with Engine.open(config=load(file, {})) as engine:
        with pytest.raises(BelowQualityBar):
            await engine.ask("The weather?", AskOptions(tools=[configured.temperature]))
        with pytest.raises(BelowQualityBar):
            await engine.ask("The weather?", AskOptions(tools=toolbox([own.temperature], max_rounds=3)))

    assert (len(configured.asked), len(own.asked)) == (2, 3)


async def test_the_configuration_bounds_how_long_a_tool_may_run(tmp_path: Path) -> None:
    async def temperature(city: str) -> str:
        """The temperature in a city."""
        await asyncio.Event().wait()
        return city

    file = tmp_path / "config.toml"
    file.write_text(GREEDY)

    async with Engine.open(config=load(file, {})) as engine:
        with pytest.raises(BelowQualityBar) as failed:
            await engine.ask("The weather?", AskOptions(tools=[temperature]))
        recorded = await engine.operations.run_events(failed.value.run_id)

    results = {event.result for event in recorded if isinstance(event, ToolCallFinished)}
    assert results == {"temperature did not finish within 0.02 s"}


GROWN = """
state = "memory:"
[providers.small]
api = "simulated"
tier = "local"
[[providers.small.models]]
name = "m"
context_window = 2000
script = [{ tool_calls = [{ name = "read_all", arguments = {} }] }, { text = "never asked" }]
[providers.large]
api = "simulated"
tier = "cloud"
[[providers.large.models]]
name = "m"
context_window = 100000
script = [{ text = "Read." }]
"""


async def test_a_conversation_that_outgrows_a_window_between_two_rounds_goes_on_where_it_fits(tmp_path: Path) -> None:
    def read_all() -> str:
        """A long text."""
        return "word " * 5_000

    file = tmp_path / "config.toml"
    file.write_text(GROWN)

    async with Engine.open(config=load(file, {})) as engine:
        reply = await engine.ask("Read it.", AskOptions(tools=[read_all]))
        recorded = await engine.operations.run_events(reply.run_id)

    assert reply.answer.resolution.ref == "large/m"
    assert [event.resolution.ref for event in recorded if isinstance(event, AttemptStarted)] == ["small/m", "large/m"]
    (skipped,) = (event for event in recorded if isinstance(event, CandidateSkipped))
    assert (skipped.resolution.ref, skipped.reason) == ("small/m", "context_too_small")
