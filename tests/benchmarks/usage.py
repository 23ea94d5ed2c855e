"""What `llmesc usage` takes over a long history: `python -m tests.benchmarks.usage [--attempts N] [--days N]`.

A state of as many attempts is made, all of them inside the time that is asked for, and each grouping is read from it by a process
of its own, as an operator would: starting included.
"""

from __future__ import annotations

import argparse
import time

from llmesc.engine import GROUPINGS
from tests.benchmarks.activity import fill
from tests.benchmarks.as_an_operator import place

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


def measure(attempts: int, days: float) -> None:
    """Makes the history and asks three times for each grouping; tells the slowest."""
    with place(CONFIG) as there:
        fill(there.state, attempts, time.time(), days * 0.99)
        print(f"{attempts:,} attempts in {days:g} days, each answer from a process of its own")
        for by in GROUPINGS:
            took = [there.run("usage", "--by", by, "--since", f"{days}d") for _ in range(3)]
            wall, busy = max(one.wall_seconds for one in took), max(one.processor_seconds for one in took)
            print(f"--by {by:8} {wall * 1000:5.0f} ms at worst, {busy * 1000:5.0f} ms of the processor")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=7)
    asked = parser.parse_args()
    measure(asked.attempts, asked.days)
