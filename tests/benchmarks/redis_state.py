"""What a state on Redis costs: round trips, bytes, commands a second, and how soon another host sees a token.

    python -m tests.benchmarks.redis_state [--runs 10000]

A server of the test extra on loopback, one client process, on this machine; medians where a time is told.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from llmesc.dashboard.live_feed import LiveFeed
from llmesc.engine import AskOptions, Engine
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy, Succeeded
from llmesc.escalation.events import Event, TextDelta
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.open import open_store
from llmesc.state.store import RunFilter, Store
from tests.escalation.world import answer, candidate, failing, world
from tests.redis_server import RedisServer

TALKING = """
[providers.talks]
api = "simulated"
tier = "cloud"
models = [{ name = "m", script = [{ text = "TEXT", tokens_per_second = 20 }] }]
"""


async def measure(events: Sequence[Event], runs: int, folder: Path) -> None:
    server = RedisServer(folder / "redis").start()
    try:
        store = await open_store(server.url, clock=SystemClock(), policy=CircuitPolicy())
        print((await store.check())["engine"])
        await _calls(store)
        await _one_run(events, store, server)
        await _many_runs(events, store, server, runs)
        await store.aclose()
        await _token(server, folder)
    finally:
        server.stop()


async def _calls(store: Store) -> None:
    key = CircuitKey("lab", "gpu1")
    for what, ask in (
        ("ask to call", lambda: store.admit(key)),
        ("settle a call", lambda: store.signal(key, Succeeded(generation=0, latency_seconds=1.0))),
        ("five circuits", lambda: store.circuits([CircuitKey("lab", f"gpu{number}") for number in range(5)])),
    ):
        times = await _times(ask, 2_000)
        print(f"{what:16} {statistics.median(times) * 1e6:6.0f} µs, {1 / statistics.mean(times):6.0f} a second")


async def _times(ask: Callable[[], Awaitable[object]], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began)
    return times


def _played() -> list[Event]:
    """A candidate that failed, then one that answers in twenty pieces of text."""
    events = world((candidate("a/m"), [failing(FailureKind.TIMEOUT)]), (candidate("b/m"), [answer()])).play()
    first_text = next(event.seq for event in events if isinstance(event, TextDelta))
    told = [event for event in events for _ in range(20 if event.seq == first_text else 1)]
    return [replace(event, seq=seq) for seq, event in enumerate(told)]


def _story(events: Sequence[Event], number: int) -> list[Sequence[Event]]:
    """The run of that number, now, in the pieces in which the recorder writes it."""
    told = [replace(event, run_id=f"{number:012x}", at=Timestamp(time.time())) for event in events]
    starts = [seq for seq, event in enumerate(told) if event.type == "attempt_started"]
    cuts = [0, starts[0] + 1, starts[1] + 1, len(told) - 10, len(told)]
    return [told[one:two] for one, two in itertools.pairwise(cuts)]


async def _one_run(events: Sequence[Event], store: Store, server: RedisServer) -> None:
    batches = _story(events, 0)
    for batch in batches:
        await store.append(batch)
    before = _scripts(server)
    for batch in _story(events, 1):
        await store.append(batch)
    print(f"a run of 2 attempts, {sum(map(len, batches))} events: {_scripts(server) - before} round trips to record it")


def _scripts(server: RedisServer) -> int:
    found = re.search(r"cmdstat_evalsha:calls=(\d+)", server.ask("INFO", "commandstats", wait_for_all=True))
    return int(found[1]) if found else 0


async def _many_runs(events: Sequence[Event], store: Store, server: RedisServer, runs: int) -> None:
    stories = [_story(events, number) for number in range(2, runs + 2)]
    before, began = _memory(server), time.perf_counter()
    for story in stories:
        for batch in story:
            await store.append(batch)
    seconds = time.perf_counter() - began
    print(f"{runs} runs: {(_memory(server) - before) / runs:.0f} bytes a run, {runs / seconds:.0f} runs a second")
    for what, ask in (
        ("newest 50", lambda: store.runs(RunFilter(limit=50))),
        ("newest 10,000", lambda: store.runs(RunFilter(limit=10_000))),
        ("a text nobody wrote", lambda: store.runs(RunFilter(text="nobody wrote this"))),
        ("totals of today", lambda: store.totals(Timestamp(time.time() - 86_400))),
        ("by prefix of 3", lambda: store.find_runs("000")),
    ):
        print(f"{what:20} {statistics.median(await _times(ask, 5)) * 1e3:7.1f} ms")


def _memory(server: RedisServer) -> int:
    found = re.search(r"used_memory:(\d+)", server.ask("INFO", "memory", wait_for_all=True))
    return int(found[1]) if found else 0


async def _token(server: RedisServer, folder: Path) -> None:
    """From the event of a token on one engine to the board of another, twenty tokens a second."""
    file = folder / "config.toml"
    file.write_text(TALKING.replace("TEXT", " ".join(f"w{number}" for number in range(200))))
    ages: list[float] = []
    async with (
        Engine.open(config_file=file, state=server.url) as other,
        Engine.open(config_file=file, state=server.url) as engine,
    ):
        feed = LiveFeed(engine, lambda: Timestamp(time.time()))
        reading = asyncio.create_task(feed.run())
        async with other.start("talk", AskOptions(model="talks/m")) as run:
            seen, born = 0, dict[int, float]()

            async def note() -> None:
                length = 0
                async for event in run:
                    if isinstance(event, TextDelta):
                        length += len(event.text)
                        born[length] = time.perf_counter()

            noting = asyncio.create_task(note())
            ends = time.perf_counter() + 8
            while time.perf_counter() < ends:
                await asyncio.sleep(0.002)
                view = feed.board(Timestamp(time.time())).views.get(run.run_id)
                length = len(view.visible) if view else 0
                if length > seen:
                    now = time.perf_counter()
                    ages += [now - at for grown, at in born.items() if seen < grown <= length]
                    seen = length
            noting.cancel()
            run.cancel()
        reading.cancel()
        await asyncio.gather(reading, noting, return_exceptions=True)
    ages.sort()
    median, most = statistics.median(ages), ages[int(len(ages) * 0.95)]
    print(f"a token on another host's board: median {median * 1e3:.0f} ms, 95% {most * 1e3:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(_played(), parser.parse_args().runs, Path(folder)))


if __name__ == "__main__":
    main()
