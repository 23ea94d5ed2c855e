"""Every fault of the fault server on every wire, streamed and not: the kind is what the table of failures wants."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.errors import RunError
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FAULTS, FaultServer
from tests.e2e.test_every_fault import CASES

pytestmark = pytest.mark.anyio

WIRES = ("openai", "openai-responses", "anthropic", "gemini", "ollama")
WANTED = {case.name: case.cause for case in CASES} | {
    "413": "payload",
    "422": "payload",
    "502": "server_error",
    "504": "timeout",
    "529": "overloaded",
    "ok": "",
    "no_done": "",
}
"""The kind of failure, `quality`, or nothing for an answer. The same on all wires."""

IMPATIENT = """timeouts = { first_token = "200ms", stall = "200ms", min_rate = { characters_per_second = 30, over = "200ms" } }
"""


def configured(server: FaultServer, gone: FaultServer, api: str) -> str:
    """A provider for each fault, so that no circuit keeps another's from being asked. Only who hangs is not waited for."""

    def base_url(fault: str) -> str:
        at = gone if fault == "refuse" else server
        return at.origin if api == "ollama" else at.base_url

    providers = (
        f'[providers.p-{fault}]\napi = "{api}"\ntier = "cloud"\nbase_url = "{base_url(fault)}"\nmodels = ["{fault}"]\n'
        + (IMPATIENT if kind == "timeout" and fault in FAULTS else "")
        for fault, kind in WANTED.items()
    )
    return 'state = "memory:"\n' + "".join(providers)


async def kind_of(engine: Engine, fault: str, *, stream: bool) -> str:
    request = replace(ask_for("What is Raft?"), stream=stream)
    try:
        await engine.ask(request, AskOptions(model=f"p-{fault}/{fault}", escalation=False))
    except RunError as error:
        return str(error.cause.kind) if error.cause else "quality"
    return ""


def test_no_fault_is_left_out() -> None:
    assert WANTED.keys() >= FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", WIRES)
async def test_a_fault_is_of_the_kind_that_the_table_wants(tmp_path: Path, api: str, stream: bool) -> None:
    async with FaultServer() as server, FaultServer() as gone:
        await gone.refuse()
        file = tmp_path / "config.toml"
        file.write_text(configured(server, gone, api))
        async with Engine.open(config=load(file, {})) as engine:
            kinds = await asyncio.gather(*(kind_of(engine, fault, stream=stream) for fault in WANTED))
        counts = {fault: server.count(fault) for fault in WANTED}

    assert dict(zip(WANTED, kinds, strict=True)) == WANTED
    # On a busy machine the impatient give up before their request was counted; nobody ever sends two.
    hurried = {fault: min(counts[fault], 1) for fault, kind in WANTED.items() if kind == "timeout"}
    assert counts == dict.fromkeys(WANTED, 1) | hurried | {"refuse": 0}, "one attempt is one request"
