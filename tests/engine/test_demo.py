"""The chain that the demonstration plays on: nobody is called, nobody is paid, and everything in it can be played."""

from __future__ import annotations

import asyncio

import pytest

from llmesc.engine import AskOptions
from llmesc.engine.demo import open_demo, the_story
from llmesc.engine.demo.chain import PLACES, demo_config
from llmesc.escalation.resolution import CircuitKey
from tests.escalation.world import LoopClock, VirtualLoop, run_virtually

pytestmark = pytest.mark.anyio

STORY = the_story()


def test_every_candidate_is_simulated_and_none_has_a_key_or_an_address() -> None:
    config = demo_config(STORY)

    assert {provider.api for provider in config.providers} == {"simulated"}
    instances = [instance for provider in config.providers for instance in provider.instances]
    assert [one for one in instances if one.api_key or one.base_url or one.headers] == []
    assert config.state == "memory:"


async def test_every_script_can_be_played_and_every_chain_names_who_is_there() -> None:
    async with open_demo(STORY) as engine:
        checks = await engine.operations.doctor()
        plans = [await engine.plan(options=AskOptions(chain=name)) for name in engine.chain_names()]

    assert [check for check in checks if check.status != "ok"] == []
    assert {planned.skip for plan in plans for planned in plan.candidates} <= {None, "max_attempts"}


def test_what_the_story_names_is_there() -> None:
    config = demo_config(STORY)
    places = {CircuitKey(provider.name, instance.name) for provider in config.providers for instance in provider.instances}

    assert {weather.instance for weather in STORY.weather} <= places
    assert {caption.circuit for caption in STORY.captions if caption.circuit} <= places
    assert {asked.chain for asked in STORY.requests} == set(config.chains)
    assert {name for asked in STORY.requests for name in asked.instead} <= {place.name for place in PLACES}


@pytest.mark.parametrize("times", ["requests", "captions"])
def test_the_story_is_told_in_order(times: str) -> None:
    at = {
        "requests": [asked.at_seconds for asked in STORY.requests],
        "captions": [caption.from_seconds for caption in STORY.captions],
    }[times]

    assert at == sorted(set(at))
    assert at[-1] <= 60


def test_no_prompt_is_part_of_another_so_that_each_gets_its_own_answer() -> None:
    prompts = [asked.prompt for asked in STORY.requests]

    assert [(one, other) for one in prompts for other in prompts if one != other and one in other] == []
    assert len(set(prompts)) == len(prompts)


@pytest.mark.parametrize(
    ("waited_seconds", "answered_by"),
    [(1, "lab@gpu1/qwen3-32b"), (30, "lab@gpu2/qwen3-32b"), (50, "lab@gpu1/qwen3-32b")],
)
def test_its_weather_counts_from_its_opening(waited_seconds: float, answered_by: str) -> None:
    async def main(loop: VirtualLoop) -> str:
        async with open_demo(STORY, clock=LoopClock(loop)) as engine:
            await asyncio.sleep(waited_seconds)
            reply = await engine.ask("Anything at all?", AskOptions(chain="code"))
            return reply.answer.resolution.ref

    assert run_virtually(main) == answered_by
