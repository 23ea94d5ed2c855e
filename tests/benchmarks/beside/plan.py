"""What `Engine.plan` takes where almost everything is open: a thousand candidates, ten of them callable."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from llmesc.engine import Engine
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import Admission, Cause, CircuitPolicy, Failed
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.open import open_store
from tests.benchmarks.beside.figures import Figures

CANDIDATES = 1_000
OPEN = 990
PLANS = 20
"""In a round; the median counts."""


def run(folder: Path, rounds: int) -> Figures:
    """Milliseconds."""
    return asyncio.run(_measure(folder, rounds))


async def _measure(folder: Path, rounds: int) -> Figures:
    config, state = folder / "crowded.toml", f"sqlite://{folder / 'crowded.db'}"
    instances = (f'instances.i{number}.base_url = "http://host{number}.invalid/v1"' for number in range(CANDIDATES))
    config.write_text('[providers.crowd]\napi = "openai"\ntier = "vllm"\nmodels = ["m"]\n' + "\n".join(instances))
    await _open_circuits(state)
    taken = list[float]()
    async with Engine.open(config_file=config, state=state) as engine:
        planned = await engine.plan("hi")
        shut = sum(each.circuit_state == "open" for each in planned.candidates)
        if (len(planned.candidates), shut) != (CANDIDATES, OPEN):
            raise RuntimeError(f"{len(planned.candidates)} candidates were planned, {shut} of them open")
        for _ in range(rounds):
            times = list[float]()
            for _ in range(PLANS):
                began = time.process_time()
                await engine.plan("hi")
                times.append((time.process_time() - began) * 1e3)
            taken.append(sorted(times)[PLANS // 2])
    title = f"a chain of {CANDIDATES:,} candidates, {OPEN} of them open: CPU to plan"
    return Figures("plan.crowded", title, "ms", {"llmesc": taken})


async def _open_circuits(state: str) -> None:
    store = await open_store(state, clock=SystemClock(), policy=CircuitPolicy())
    for number in range(OPEN):
        key = CircuitKey("crowd", f"i{number}")
        admitted = await store.admit(key)
        assert isinstance(admitted, Admission)
        cause = Cause(kind="account", message="no credit is left", at=Timestamp(time.time()))
        failed = Failed(generation=admitted.generation, weight=1.0, cause=cause, trip=True)
        await store.signal(key, failed)
    await store.aclose()
