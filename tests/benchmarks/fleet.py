"""What going through the fleet costs: the first token, and a long answer as fast as it can be made.

    python -m tests.benchmarks.fleet

A server of the test extra on loopback, worker and asker in one process, simulated models; medians of five.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from llmesc.engine import AskOptions, Engine
from tests.engine.serving.conftest import Here
from tests.redis_server import RedisServer

WORDS = 5_000
ROUNDS = 5
LAB = f"""
[providers.lab]
api = "simulated"
tier = "local"
models = [
  {{ name = "long", script = [{{ text = "{" ".join(f"w{number}" for number in range(WORDS))}" }}] }},
  {{ name = "brief", script = [{{ text = "one" }}] }},
]
"""
ASKER = '[providers.gpu]\napi = "fleet"\nmodels = ["long", "brief"]\n'


async def main() -> None:
    folder = Path(tempfile.mkdtemp())
    server = RedisServer(folder / "redis").start()
    try:
        here = Here(server, folder, server.url)
        async with (
            here.worker(LAB, "lab/long", "lab/brief"),
            here.engine("asker", ASKER) as asker,
            here.engine("alone", LAB) as alone,
        ):
            for model, what in (("brief", "first token"), ("long", f"{WORDS:,} pieces")):
                direct, over = await seconds(alone, f"lab/{model}"), await seconds(asker, f"gpu/{model}")
                print(f"{what}: {over * 1e3:.0f} ms over the fleet, {direct * 1e3:.0f} ms without it")
    finally:
        server.stop()


async def seconds(engine: Engine, reference: str) -> float:
    """Of one whole request."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await engine.ask("hi", AskOptions(model=reference, quality_threshold=0))
        took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    asyncio.run(main())
