"""A stream that breaks off in mid-answer, on every wire and in every way: another goes on with it, over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine, Reply
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import ANSWER

pytestmark = pytest.mark.anyio

WIRES = ("openai", "openai-responses", "anthropic", "gemini", "ollama")
BREAKS = ("reset_midway", "cut", "no_finish", "close_without_finish", "error_in_stream", "bad_json_midway", "hang_midway")
IMPATIENT = 'timeouts = { first_token = "3s", stall = "200ms" }\n'
SHOWN = "Raft keeps a log in"
"""What comes before each of them."""


def url(server: FaultServer, wire: str) -> str:
    return server.origin if wire == "ollama" else server.base_url


def configured(sick: FaultServer, well: FaultServer, api: str, second_api: str) -> str:
    firsts = (
        f'[providers.p-{name}]\napi = "{api}"\ntier = "cloud"\nbase_url = "{url(sick, api)}"\nmodels = ["{name}"]\n{IMPATIENT}'
        for name in BREAKS
    )
    prefill = 'prefill = "continue_final_message"\n' if second_api == "openai" else ""
    second = f'[providers.second]\napi = "{second_api}"\ntier = "frontier"\nbase_url = "{url(well, second_api)}"\n{prefill}'
    models = 'models = ["ok"]\n'
    chains = (f'{name} = ["p-{name}/{name}", "second/ok"]\n' for name in BREAKS)
    return "".join(('state = "memory:"\n', *firsts, second, models, "[chains]\n", *chains))


async def answers(tmp_path: Path, well: FaultServer, api: str, second_api: str, options: AskOptions) -> list[Reply]:
    file = tmp_path / "config.toml"
    async with FaultServer() as sick:
        file.write_text(configured(sick, well, api, second_api))
        async with Engine.open(config=load(file, {})) as engine:
            asked = (engine.ask("What is Raft?", replace(options, chain=name)) for name in BREAKS)
            return list(await asyncio.gather(*asked))


@pytest.mark.parametrize("api", WIRES)
async def test_another_goes_on_with_what_was_shown(tmp_path: Path, api: str) -> None:
    async with FaultServer() as server:
        replies = await answers(tmp_path, server, api, "openai", AskOptions(resume="continue"))
        handed_over = [request.body for request in server.calls("ok")]

    for name, reply in zip(BREAKS, replies, strict=True):
        wrote = [(part.attempt, reply.text[part.start : part.end]) for part in reply.answer.ranges]
        assert (name, wrote) == (name, [(1, SHOWN), (2, ANSWER.removeprefix(SHOWN))])
        assert reply.view.attempts[0].cost_estimated
        assert reply.view.attempts[1].repeated_characters == len(SHOWN), "it answered anew, from the first word"
    assert [body["messages"][-1] for body in handed_over] == [{"role": "assistant", "content": SHOWN}] * len(BREAKS)
    assert all(body["continue_final_message"] for body in handed_over)


@pytest.mark.parametrize("second_api", WIRES)
async def test_every_wire_can_go_on(tmp_path: Path, second_api: str) -> None:
    async with FaultServer() as server:
        replies = await answers(tmp_path, server, "openai", second_api, AskOptions(resume="continue"))

    assert [reply.text for reply in replies] == [ANSWER] * len(BREAKS)
    assert [reply.answer.ranges[0].end for reply in replies] == [len(SHOWN)] * len(BREAKS)


async def test_by_default_and_behind_a_gate_another_begins_anew(tmp_path: Path) -> None:
    async with FaultServer() as server:
        plain = await answers(tmp_path, server, "openai", "openai", AskOptions())
        gated = await answers(tmp_path, server, "openai", "openai", AskOptions(resume="continue", gate="full"))

    assert [reply.text for reply in (*plain, *gated)] == [ANSWER] * 2 * len(BREAKS)
    assert {len(reply.answer.ranges) for reply in (*plain, *gated)} == {1}
    assert {reply.view.switches[0].characters_discarded for reply in plain} == {len(SHOWN)}
    assert {reply.view.switches[0].characters_discarded for reply in gated} == {0}
