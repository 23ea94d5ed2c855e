"""What `llmesc usage` takes over a long history: `python -m tests.benchmarks.usage [--attempts N] [--days N]`.

A state of as many attempts is made, all of them inside the time that is asked for, and each grouping is read from it by a process
of its own, as an operator would: starting included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from llmesc.engine import GROUPINGS
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.state.sqlite import SqliteStore
from tests.benchmarks.activity import fill

CONFIG = """
[providers.embedded]
api = "simulated"
tier = "local"
models = ["smollm2-135m"]
[providers.lab]
api = "simulated"
tier = "vllm"
models = ["qwen3-32b"]
instances.gpu1 = {}
[providers.claude]
api = "simulated"
tier = "frontier"
models = [{ name = "claude-sonnet-4-6", price = { input_per_million = "3", output_per_million = "15" } }]
instances.team-a = {}
"""


async def make(path: Path) -> None:
    """An empty state."""
    parts = {"holder": "host:1", "random": random.random, "new_token": lambda: "token"}
    store = SqliteStore(path, clock=SystemClock(), policy=CircuitPolicy(), **parts)
    await store.open()
    await store.aclose()


def measure(attempts: int, days: float) -> None:
    """Makes the history and asks three times for each grouping; tells the slowest."""
    with tempfile.TemporaryDirectory() as folder:
        path, config = Path(folder) / "state.db", Path(folder) / "config.toml"
        config.write_text(CONFIG)
        asyncio.run(make(path))
        fill(path, attempts, time.time(), days * 0.99)
        print(f"{attempts:,} attempts in {days:g} days, each answer from a process of its own")
        for by in GROUPINGS:
            command = [sys.executable, "-m", "llmesc", "--config", str(config), "--state", f"sqlite://{path}", "usage"]
            wall, busy = list[float](), list[float]()
            for _ in range(3):
                start, used = time.perf_counter(), _cpu_seconds()
                subprocess.run([*command, "--by", by, "--since", f"{days}d"], check=True, capture_output=True, env=os.environ)
                wall.append(time.perf_counter() - start)
                busy.append(_cpu_seconds() - used)
            print(f"--by {by:8} {max(wall) * 1000:5.0f} ms at worst, {max(busy) * 1000:5.0f} ms of the processor")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=7)
    asked = parser.parse_args()
    measure(asked.attempts, asked.days)
