"""What the state costs one attempt on SQLite, durable: the circuits read, its start, its end, and all that is recorded."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import Admission, CircuitPolicy, Succeeded
from llmesc.escalation.events import Event
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.open import open_store
from llmesc.state.store import Store
from tests.benchmarks.beside.figures import Figures
from tests.escalation.world import answer, candidate, world

WHO = "llmesc-sqlite"
ATTEMPTS = 200
"""In a round; the median counts."""


def run(folder: Path, rounds: int) -> Iterator[Figures]:
    """Microseconds of the processor: what a disk adds is the disk's."""
    events = world((candidate("lab/m"), [answer()])).play()
    taken = asyncio.run(_measure(events, folder, rounds))
    titles = {
        "read": "the circuits, read",
        "start": "an attempt's start: asked for and recorded",
        "settle": "its end: the circuit told",
        "attempt": "start and end together",
        "record": "the rest of the run, recorded",
    }
    for name, title in titles.items():
        yield Figures(f"state.{name}", f"{title}: CPU", "µs", {WHO: taken[name]})


async def _measure(events: Sequence[Event], folder: Path, rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"read": [], "start": [], "settle": [], "attempt": [], "record": []}
    store = await open_store(f"sqlite://{folder / 'attempts.db'}", clock=SystemClock(), policy=CircuitPolicy())
    for turn in range(rounds + 1):
        steps = [await _one(store, events, turn * ATTEMPTS + number) for number in range(ATTEMPTS)]
        if turn:  # the first one warms up
            for name, medians in taken.items():
                medians.append(statistics.median(step[name] for step in steps))
    await store.aclose()
    return taken


async def _one(store: Store, events: Sequence[Event], number: int) -> dict[str, float]:
    """One attempt as the executor and the recorder have it; µs of each step."""
    key = CircuitKey("lab")
    told = [replace(event, run_id=f"{number:012x}", at=Timestamp(time.time())) for event in events]
    started = next(at for at, event in enumerate(told) if event.type == "attempt_started") + 1
    marks = [time.process_time()]
    await store.circuits([key])
    marks.append(time.process_time())
    admitted = await store.admit(key)
    assert isinstance(admitted, Admission)
    await store.append(told[:started])
    marks.append(time.process_time())
    await store.signal(key, Succeeded(generation=admitted.generation, latency_seconds=0.5))
    marks.append(time.process_time())
    await store.append(told[started:])
    marks.append(time.process_time())
    read, start, settle, record = ((after - before) * 1e6 for before, after in itertools.pairwise(marks))
    return {"read": read, "start": start, "settle": settle, "attempt": start + settle, "record": record}
