"""What the state costs one attempt: the circuits read, its start, its end, and all that is recorded. On SQLite, durable, and on a
Redis, where a server can be started: the one that the tests use, on loopback, whose own work is not counted.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import Admission, CircuitPolicy, Succeeded
from llmesc.escalation.events import Event
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.open import open_store
from llmesc.state.store import Store
from tests.benchmarks.beside.environments import Absent
from tests.benchmarks.beside.field import Field
from tests.benchmarks.beside.figures import Figures
from tests.escalation.world import answer, candidate, world
from tests.redis_server import RedisServer

SQLITE, REDIS = "llmesc-sqlite", "llmesc-redis"
ATTEMPTS = 200
"""In a round; the median counts."""
STEPS = {
    "read": "the circuits, read",
    "start": "an attempt's start: asked for and recorded",
    "settle": "its end: the circuit told",
    "attempt": "start and end together",
    "record": "the rest of the run, recorded",
}


def run(field: Field, folder: Path, rounds: int, without: Collection[str]) -> Iterator[Figures]:
    """Microseconds of the processor: what a disk or another process adds is theirs."""
    events = world((candidate("lab/m"), [answer()])).play()
    with ExitStack() as serving:
        urls = {SQLITE: f"sqlite://{folder / 'attempts.db'}"}
        if REDIS not in without:
            try:
                urls[REDIS] = serving.enter_context(_redis(folder / "redis"))
            except Absent as absent:
                field.absent[REDIS] = str(absent)
        taken = asyncio.run(_measure(events, urls, rounds))
    for name, title in STEPS.items():
        yield Figures(f"state.{name}", f"{title}: CPU", "µs", {who: [each[name] for each in taken[who]] for who in urls})


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """The URL of a server that lives as long as this does. Raises `Absent`."""
    if find_spec("redis") is None:
        raise Absent("its client is not installed: pip install 'llmesc[redis]'")
    server = RedisServer(folder)
    try:
        server.start()
    except (OSError, RuntimeError) as error:
        server.stop()
        raise Absent(str(error)) from error
    try:
        yield server.url
    finally:
        server.stop()


async def _measure(events: Sequence[Event], urls: dict[str, str], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Of each state its rounds, of each round the median of every step."""
    stores = {who: await open_store(url, clock=SystemClock(), policy=CircuitPolicy()) for who, url in urls.items()}
    taken: dict[str, list[dict[str, float]]] = {who: [] for who in urls}
    for turn in range(rounds + 1):
        for who in urls if turn % 2 else reversed(urls):
            steps = [await _one(stores[who], events, turn * ATTEMPTS + number) for number in range(ATTEMPTS)]
            if turn:  # the first one warms up
                taken[who].append({name: statistics.median(step[name] for step in steps) for name in STEPS})
    for store in stores.values():
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
