"""What one candidate costs that is passed over for its circuit's sake, in a plan and in a run: counted in calls of functions.

Each case is done with so many of them before the one that answers, and with twice as many: the difference is theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.circuits import Admission, Cause, CircuitPolicy, Failed
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Clock
from llmesc.state.open import open_store
from tests.escalation.world import LoopClock, VirtualLoop, run_virtually
from tests.work.counting import counted

CANDIDATES = 100

Work = Callable[[Engine, int], Awaitable[None]]
"""Deals with so many that are passed over."""


async def plan(engine: Engine, candidates: int) -> None:
    """Only says it of each."""
    planned = (await engine.plan("hi")).candidates
    assert [each.skip for each in planned] == ["circuit_open"] * candidates + [None]


async def ask(engine: Engine, candidates: int) -> None:
    """And records it."""
    view = (await engine.ask("hi", AskOptions(quality_threshold=0))).view
    assert [each.reason for each in view.skipped] == ["circuit_open"] * candidates


PRICED = '{ name = "m", price = { input_per_million = 1, output_per_million = 2 } }'
BUDGET = '[[budgets]]\nper = "all"\nmonthly = 1000\n'


@dataclass(frozen=True)
class Case:
    """Something done with a long chain, and the most that a candidate may cost it."""

    name: str
    work: Work
    calls: float
    models: str = '"m"'
    more: str = ""


CASES = [
    # What was counted when the bound was set stands behind it.
    Case("plan", plan, calls=28),  # 27
    Case("plan of what has a price", plan, calls=30, models=PRICED),  # 29
    Case("plan under a budget", plan, calls=44, models=PRICED, more=BUDGET),  # 42
    Case("ask", ask, calls=51),  # 49
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_candidate_costs_no_more(case: Case, tmp_path: Path) -> None:
    few, many = (calls_with(candidates, case, tmp_path) for candidates in (CANDIDATES, 2 * CANDIDATES))

    assert (many - few) / CANDIDATES <= case.calls


def calls_with(candidates: int, case: Case, folder: Path) -> int:
    """In all, when what is made once is made."""
    config, state = folder / f"{candidates}.toml", f"sqlite://{folder}/{candidates}.db"
    instances = "\n".join(f'instances.i{number}.base_url = "http://host{number}.invalid/v1"' for number in range(candidates))
    config.write_text(
        f'state = "{state}"\n{case.more}'
        f'[providers.crowd]\napi = "openai"\ntier = "vllm"\nmodels = [{case.models}]\n{instances}\n'
        '[providers.last]\napi = "simulated"\ntier = "cloud"\nmodels = [{ name = "m", script = { text = "Here I am." } }]\n'
    )

    async def main(loop: VirtualLoop) -> int:
        clock = LoopClock(loop)
        await open_circuits(state, candidates, clock)
        async with Engine.open(config=load(config, {}), clock=clock) as engine:
            await case.work(engine, candidates)
            with counted() as calls:
                await case.work(engine, candidates)
        return calls.count

    return run_virtually(main)


async def open_circuits(state: str, candidates: int, clock: Clock) -> None:
    """Of all but the last."""
    store = await open_store(state, clock=clock, policy=CircuitPolicy())
    for number in range(candidates):
        key = CircuitKey("crowd", f"i{number}")
        admitted = await store.admit(key)
        assert isinstance(admitted, Admission)
        cause = Cause(kind="account", message="no credit is left", at=clock.now())
        await store.signal(key, Failed(generation=admitted.generation, weight=1.0, cause=cause, trip=True))
    await store.aclose()
