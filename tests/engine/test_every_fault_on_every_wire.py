"""Every fault of the fault server on every wire, streamed and not, at the first, the second and the only candidate: the kind is
what the table of failures wants, whoever is left answers, and nobody is asked twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FAULTS, FaultServer
from llmesc.providers.faults.behaviours import ANSWER
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


PLACES = {"first": ("{}", "well/ok"), "second": ("sick/503", "{}", "well/ok"), "only": ("{}",)}
"""The chains in which each fault stands."""


def configured(server: FaultServer, gone: FaultServer, others: FaultServer, api: str, place: str) -> str:
    """A provider for each fault, so that no circuit keeps another's from being asked. Only who hangs is not waited for."""

    def url(at: FaultServer) -> str:
        return at.origin if api == "ollama" else at.base_url

    def provider(name: str, tier: str, at: FaultServer, model: str) -> str:
        return f'[providers.{name}]\napi = "{api}"\ntier = "{tier}"\nbase_url = "{url(at)}"\nmodels = ["{model}"]\n'

    providers = (
        provider(f"p-{fault}", "cloud", gone if fault == "refuse" else server, fault)
        + (IMPATIENT if kind == "timeout" and fault in FAULTS else "")
        for fault, kind in WANTED.items()
    )
    beside = provider("sick", "cloud", others, "503") + provider("well", "frontier", others, "ok")
    chains = "".join(f"{fault!r} = {[ref.format(f'p-{fault}/{fault}') for ref in PLACES[place]]}\n" for fault in WANTED)
    # The sick one fails in every chain, and a rate limit is not waited for.
    circuit = "[circuit]\nfailure_threshold = 1000\n[escalation]\nwait = false\n"
    return f'state = "memory:"\n{circuit}{"".join(providers)}{beside}[chains]\n{chains}'


async def asked(engine: Engine, fault: str, *, stream: bool) -> RunView:
    view = RunView()
    async with engine.start(replace(ask_for("What is Raft?"), stream=stream), AskOptions(chain=fault)) as run:
        async for event in run:
            view = fold(view, event)
    return view


def seen_as(view: RunView) -> list[str]:
    """What each attempt came to."""
    return [
        str(attempt.failure.kind) if attempt.failure else "quality" if attempt.outcome == "quality_failure" else ""
        for attempt in view.attempts
    ]


def test_no_fault_is_left_out() -> None:
    assert WANTED.keys() >= FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("api", WIRES)
async def test_a_fault_is_of_the_kind_that_the_table_wants(tmp_path: Path, api: str, place: str, stream: bool) -> None:
    async with FaultServer() as server, FaultServer() as gone, FaultServer() as others:
        await gone.refuse()
        file = tmp_path / "config.toml"
        file.write_text(configured(server, gone, others, api, place))
        async with Engine.open(config=load(file, {})) as engine:
            views = dict(zip(WANTED, await asyncio.gather(*(asked(engine, each, stream=stream) for each in WANTED)), strict=True))
        counts = {fault: server.count(fault) for fault in WANTED}
        answered_by_others = others.count("ok")

    before, behind = (["overloaded"] if place == "second" else []), ([""] if place != "only" else [])
    for fault, kind in WANTED.items():
        view = views[fault]
        assert (fault, seen_as(view)) == (fault, [*before, kind, *(behind if kind else [])])
        if kind and place == "only":
            assert view.outcome == ("below_bar" if kind == "quality" else "exhausted"), fault
        else:
            assert (fault, view.outcome, view.visible) == (fault, "answered", ANSWER)
            assert view.answer is not None
            assert view.answer.resolution.provider == ("well" if kind else f"p-{fault}")
    assert answered_by_others == (sum(kind != "" for kind in WANTED.values()) if behind else 0)
    # On a busy machine the impatient give up before their request was counted; nobody ever sends two.
    hurried = {fault: min(counts[fault], 1) for fault, kind in WANTED.items() if kind == "timeout"}
    assert counts == dict.fromkeys(WANTED, 1) | hurried | {"refuse": 0}, "one attempt is one request"
