"""What a run leaves to the garbage collector: nothing. Its objects go when it ends, and no pause comes of them later."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import Engine
from llmesc.providers.faults import FaultServer

pytestmark = pytest.mark.anyio

OURS = ("llmesc.engine", "llmesc.escalation", "llmesc.records", "llmesc.state")


@pytest.fixture
def kept_garbage() -> Iterator[list[object]]:
    """What the collector finds from now on."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.parametrize("chain", ["ok", "503 ok", "refuse ok"])
async def test_a_run_leaves_no_cycles(chain: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    async with AsyncExitStack() as stack:
        table = ""
        for number, model in enumerate(chain.split()):
            server = await stack.enter_async_context(FaultServer())
            table += (
                f'[providers.p{number}]\napi = "openai"\ntier = "vllm"\nbase_url = "{server.base_url}"\nmodels = ["{model}"]\n'
            )
            if model == "refuse":
                await server.refuse()
        (tmp_path / "config.toml").write_text(f'state = "sqlite://{tmp_path}/state.db"\n{table}')
        async with Engine.open(config=load(tmp_path / "config.toml", {})) as engine:
            await engine.ask("hi")  # what is made once for all is made
            garbage = request.getfixturevalue("kept_garbage")
            await engine.ask("hi")
            gc.collect()

    assert Counter(type(left).__qualname__ for left in garbage if type(left).__module__.startswith(OURS)) == {}
