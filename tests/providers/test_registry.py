"""From the key of a circuit to its wire, and nothing imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmesc.escalation.resolution import CircuitKey
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer
from llmesc.providers.openai import OpenAiProvider
from llmesc.providers.registry import WIRES, Registry
from llmesc.providers.simulated import SimulatedProvider

pytestmark = pytest.mark.anyio


def registry(**apis: str) -> Registry:
    endpoints = {CircuitKey(name): Endpoint(provider=name, instance="default", api=api) for name, api in apis.items()}
    return Registry(endpoints.__getitem__)


async def test_each_instance_has_one_wire_of_its_own() -> None:
    wires = registry(a="simulated", b="simulated", c="openai")
    a, b, c = (wires.provider_for(CircuitKey(name)) for name in "abc")

    assert wires.provider_for(CircuitKey("a")) is a
    assert a is not b
    assert isinstance(a, SimulatedProvider)
    assert isinstance(c, OpenAiProvider)
    await wires.aclose()


async def test_a_key_that_is_not_configured_is_an_error() -> None:
    with pytest.raises(KeyError):
        registry().provider_for(CircuitKey("nobody"))


async def test_a_probe_goes_to_the_wire_of_the_instance(endpoint: Endpoint, server: FaultServer) -> None:
    server.script["small"] = "ok"
    wires = Registry({CircuitKey("lab", "gpu1"): endpoint}.__getitem__)
    found = await wires.probe(CircuitKey("lab", "gpu1"))
    await wires.aclose()

    assert found.models == ("small",)


async def test_closing_goes_on_when_one_wire_cannot_close(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = registry(a="simulated", b="simulated")
    a, b = (wires.provider_for(CircuitKey(name)) for name in "ab")
    closed: list[str] = []

    async def fails() -> None:
        raise OSError("stuck")

    async def closes() -> None:
        closed.append("b")

    monkeypatch.setattr(a, "aclose", fails)
    monkeypatch.setattr(b, "aclose", closes)
    with pytest.raises(ExceptionGroup, match="could not be closed"):
        await wires.aclose()

    assert closed == ["b"]


@pytest.mark.parametrize("api", WIRES)
def test_every_wire_names_a_class_that_is_there(api: str) -> None:
    import importlib

    module, _, name = WIRES[api].partition(":")

    assert callable(getattr(importlib.import_module(module), name))


def test_a_registry_costs_no_http_client_until_a_wire_is_made() -> None:
    code = "import sys, llmesc.providers.registry; sys.exit(any(m in sys.modules for m in ('httpx', 'ssl', 'asyncio')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
