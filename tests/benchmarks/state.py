"""What a state costs on the way of a call: `python -m tests.benchmarks.state [--store sqlite|memory] [--attempts N ...]`.

Each part is measured in turn with the others and with a floor (SQLite by hand: one row and a commit at the start, one at the
end), so that a slow moment of the machine falls on all of them; medians of the processor's time and of the clock's, in
microseconds. With `--attempts` a file is filled with as many first (SQLite alone), and the same is told again: it should not have
grown.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy, Succeeded
from llmesc.escalation.events import Event
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.open import MEMORY, open_store
from llmesc.state.store import RunFilter, Store
from llmesc.state.usage import UsageQuery
from tests.benchmarks.activity import fill
from tests.escalation.world import answer, candidate, world

KEY = CircuitKey("lab", "gpu1")
ROUNDS = 600


class Cost(NamedTuple):
    """Of one time, medians."""

    cpu_us: float
    wall_us: float


Part = Callable[[], Awaitable[object]]


async def in_turn(parts: Mapping[str, Part], rounds: int = ROUNDS) -> dict[str, Cost]:
    """What each part costs; the first tenth of the rounds is thrown away."""
    seen: dict[str, list[tuple[int, int]]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, part in parts.items():
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            await part()
            seen[name].append((time.thread_time_ns() - cpu, time.perf_counter_ns() - wall))
    return {name: _median(times[rounds // 10 :]) for name, times in seen.items()}


def _median(times: Sequence[tuple[int, int]]) -> Cost:
    return Cost(*(statistics.median(column) / 1000 for column in zip(*times, strict=True)))


Halves = tuple[Sequence[Event], Sequence[Event]]


def recorded_run() -> Halves:
    """What the recorder writes at the start of a run with one attempt, and at its end. Not to be called inside a loop: it has one
    of its own.
    """
    events = world((candidate("a/m"), [answer()])).play()
    start = next(index for index, event in enumerate(events) if event.type == "attempt_started") + 1
    return list(events[:start]), list(events[start:])


class Recorded:
    """A run again and again, each time another one; its two halves are parts of their own."""

    def __init__(self, store: Store, halves: Halves, count: int = ROUNDS) -> None:
        """`count` runs are made ready, so that making them is not measured."""
        first = random.getrandbits(60)
        self._store = store
        self._runs = [tuple(_of_run(half, first + number) for half in halves) for number in range(count)]
        self._ends: list[Sequence[Event]] = []

    async def start(self) -> None:
        start, end = self._runs.pop()
        self._ends.append(end)
        await self._store.append(start)

    async def settle(self) -> None:
        await self._store.append(self._ends.pop())

    async def whole(self) -> None:
        await self.start()
        await self.settle()


def _of_run(events: Sequence[Event], number: int) -> list[Event]:
    now = Timestamp(time.time())
    return [replace(event, run_id=f"{number:x}", at=now) for event in events]


class Floor:
    """The least that is durable at both ends."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("CREATE TABLE IF NOT EXISTS told (at REAL, body TEXT)")

    async def whole(self) -> None:
        for _ in range(2):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute("INSERT INTO told VALUES (?, ?)", (time.time(), "x" * 1000))
            self.connection.execute("COMMIT")


def parts_of(store: Store, halves: Halves) -> dict[str, Part]:
    """What a call asks of a store, by name. `start` comes before `settle`: they are of one run."""
    run, alone = Recorded(store, halves), Recorded(store, halves)
    return {
        "circuit read": lambda: store.circuits([KEY]),
        "ask to call": lambda: store.admit(KEY),
        "settle a circuit": lambda: store.signal(KEY, Succeeded(generation=0, latency_seconds=1.0)),
        "attempt start": run.start,
        "attempt end": run.settle,
        "whole run": alone.whole,
    }


async def measure(store: Store, folder: Path, halves: Halves) -> dict[str, Cost]:
    """The parts and the floor."""
    floor = Floor(folder / "floor.db")
    with closing(floor.connection):
        return await in_turn({**parts_of(store, halves), "floor: two commits": floor.whole})


def fill_events(path: Path) -> None:
    """Events and links of the runs that stand there: two stretches each, 1 kB together. The digests are none."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for first in (0, 4):
            connection.execute("INSERT INTO events SELECT id, ?, ? + 3, ? FROM runs", (first, first, "x" * 500))
            connection.execute(
                "INSERT INTO links SELECT COALESCE((SELECT max(position) FROM links), 0) + row_number() OVER (ORDER BY id), "
                "run_id, ?, randomblob(32) FROM runs",
                (first,),
            )


def reads_of(store: Store) -> dict[str, Part]:
    """What people ask for."""
    now = Timestamp(time.time())
    return {
        "newest 50 runs": lambda: store.runs(RunFilter(limit=50)),
        "totals of a day": lambda: store.totals(Timestamp(now - 86_400)),
        "usage of an hour": lambda: store.usage(UsageQuery(since=Timestamp(now - 3600), until=now)),
    }


async def main(asked: argparse.Namespace, halves: Halves) -> None:
    for attempts in (0, *asked.attempts):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state.db"
            url = MEMORY if asked.store == "memory" else f"sqlite://{path}"
            store = await open_store(url, clock=SystemClock(), policy=CircuitPolicy(), random=random.random)
            if attempts:
                fill(path, attempts, time.time(), 30)
                fill_events(path)
            print(f"\n{asked.store}, {attempts:,} attempts before: µs of the processor, µs of the clock")
            costs = await measure(store, Path(folder), halves) | await in_turn(reads_of(store), 10)
            for name, cost in costs.items():
                print(f"{name:20} {cost.cpu_us:10,.0f} {cost.wall_us:10,.0f}")
            await store.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "memory"), default="sqlite")
    parser.add_argument("--attempts", type=int, nargs="*", default=())
    asyncio.run(main(parser.parse_args(), recorded_run()))
