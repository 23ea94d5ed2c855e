"""What the plots cost a state with a long history: `python -m tests.benchmarks.activity [--attempts N]`.

A database of as many attempts over 90 days is made, then an hour of calls and fourteen days of use are read from it, as the
dashboard reads them: nothing else of the dashboard moves during one read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from llmesc.dashboard.plots.trends import DAYS, last_hour
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.times import Timestamp
from llmesc.state.sqlite import SqliteStore
from llmesc.state.usage import UsageQuery
from llmesc.story.days import midnights_before

HISTORY_DAYS = 90
CANDIDATES = (
    ("embedded/smollm2-135m", "embedded", "local", 0.7, "0"),
    ("lab@gpu1/qwen3-32b", "lab", "vllm", 1.6, "0"),
    ("claude@team-a/claude-sonnet-4-6", "claude", "frontier", 3.9, "0.0038"),
)
RUN = (
    "INSERT INTO runs (id, run_id, started_at, finished_at, outcome, chain, prompt, answered_by, attempts, cost, caller, "
    "input_tokens, output_tokens, host, pid, process_started, alive_at) "
    "VALUES (?, ?, ?, ?, 'answered', 'default', ?, ?, 2, '0.0038', ?, 412, 171, 'web1', 1, 1, ?)"
)
ATTEMPT = (
    "INSERT INTO attempts (run, attempt, ref, provider, tier, move, started_at, outcome, duration_seconds, first_token_seconds, "
    "call_input_tokens, call_output_tokens, call_cost) VALUES (?, ?, ?, ?, ?, 'primary', ?, ?, ?, ?, 412, 171, ?)"
)


def history(attempts: int, now: float, days: float = HISTORY_DAYS) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Runs of two attempts each, evenly over the days, the oldest first."""
    rolled = random.Random(1)
    for number in range(attempts // 2):
        at = now - days * 86_400 * (1 - number / (attempts // 2))
        key = int(at * 1_000_000)
        rows = []
        for attempt in (1, 2):
            ref, provider, tier, usual, cost = rolled.choice(CANDIDATES)
            seconds = usual * rolled.lognormvariate(0, 0.5)
            outcome = "success" if attempt == 2 else rolled.choice(("error", "quality_failure", "rate_limited"))
            rows.append((key, attempt, ref, provider, tier, at + attempt, outcome, seconds, seconds / 3, cost))
        caller = json.dumps({"user": "ann", "host": f"web{number % 4}", "pid": str(number), "command": "ask"})
        yield (key, f"{number:08x}", at, at + 5, "Explain Raft to a new operator " * 4, ref, caller, at + 5), rows


def fill(path: Path, attempts: int, now: float, days: float = HISTORY_DAYS) -> None:
    """Writes the history past the store, which would take an hour."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for run, calls in history(attempts, now, days):
            connection.execute(RUN, run)
            connection.executemany(ATTEMPT, calls)


async def measure(attempts: int) -> None:
    """Fills, reads five times, and tells the slowest."""
    with tempfile.TemporaryDirectory() as folder:
        path, now = Path(folder) / "state.db", Timestamp(time.time())
        parts = {"holder": "host:1", "random": random.random, "new_token": lambda: "token"}
        store = SqliteStore(path, clock=SystemClock(), policy=CircuitPolicy(), **parts)
        await store.open()
        fill(path, attempts, now)
        hours, days = list[float](), list[float]()
        for _ in range(5):
            start = time.perf_counter()
            calls = sum(provider.whole.all for provider in await store.activity(last_hour(now)))
            hours.append(time.perf_counter() - start)
            until, *midnights = midnights_before(now, DAYS)
            for since in midnights:
                start = time.perf_counter()
                await store.usage(UsageQuery(since=since, until=until))
                days.append(time.perf_counter() - start)
                until = since
        await store.aclose()
    print(f"{attempts:,} attempts over {HISTORY_DAYS} days")
    print(f"the last hour, {calls:,} calls: {max(hours) * 1000:.1f} ms at worst")
    print(f"one of {DAYS} days: {max(days) * 1000:.1f} ms at worst, all of them {sum(days) / 5 * 1000:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    asyncio.run(measure(parser.parse_args().attempts))
