"""A contestant's process: reads what to do from stdin, a JSON object a line, and writes what it took to stdout.

    python worker.py MODULE FOLDER

    {"chain": {"bases": ["http://127.0.0.1:1/ok/v1"]}, "stream": false, "calls": 100, "at_once": 1, "expect": "Paris…"}
    {"cpu_us": 61234.5, "wall_us": 65432.1, "first_us": [812.0, …], "peak_kb": 31234}

`expect` is the whole text of each answer, and whoever gives another one has not done the work: that is an error. Times are of all
calls together, in microseconds; `first_us` has the time to the first piece of each stream. With `"between": true` each call is
timed alone, and the contestant is put right after it, outside of what is timed. An error is told as `{"error": "…"}`, and the
worker lives on.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from route import TAKEN_BACK, Chain, Opener, Route


class Worker:
    """Keeps each chain's route open, as a service would."""

    def __init__(self, open_route: Opener, folder: Path) -> None:
        self._open, self._folder = open_route, folder
        self._routes: dict[str, Route] = {}

    async def _route(self, chain: dict[str, Any]) -> Route:
        key = json.dumps(chain, sort_keys=True)
        if key not in self._routes:
            own = Path(tempfile.mkdtemp(dir=self._folder))
            self._routes[key] = await self._open(Chain(**chain), own)
        return self._routes[key]

    async def race(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Does the calls; see the module."""
        route, firsts = await self._route(asked["chain"]), list[float]()
        expect, stream, calls, at_once = (asked[name] for name in ("expect", "stream", "calls", "at_once"))

        async def one() -> None:
            text = await _streamed(route, firsts) if stream else await route.call()
            if text != expect:
                raise ValueError(f"answered {text[:60]!r} ({len(text)} characters)")

        gc.collect()
        cpu = wall = 0.0
        rounds = calls // at_once
        apart = asked.get("between", False)
        began = time.process_time(), time.perf_counter()
        for _ in range(rounds):
            if apart:
                await route.between()
                began = time.process_time(), time.perf_counter()
            await (one() if at_once == 1 else asyncio.gather(*(one() for _ in range(at_once))))
            if apart:
                cpu, wall = cpu + time.process_time() - began[0], wall + time.perf_counter() - began[1]
        if not apart:
            cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
        return {"cpu_us": cpu * 1e6, "wall_us": wall * 1e6, "first_us": [first * 1e6 for first in firsts], "peak_kb": _peak_kb()}

    async def tell(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One call, and what a caller gets of it: the text, or the text so far and the error, and how long that took."""
        route, began, text = await self._route(asked["chain"]), time.perf_counter(), ""
        told: dict[str, Any] = {}
        try:
            async with asyncio.timeout(asked["patience_seconds"]):
                if asked["stream"]:
                    async for piece in route.stream():
                        text = "" if piece is TAKEN_BACK else text + piece
                else:
                    text = await route.call()
        except TimeoutError:
            told["waiting"] = time.perf_counter() - began >= asked["patience_seconds"]
            told["error"] = "TimeoutError"
        except Exception as error:  # whatever a peer raises is what its user gets
            told["error"] = type(error).__name__
        return told | {"text": text, "seconds": time.perf_counter() - began}

    async def aclose(self) -> None:
        for route in self._routes.values():
            await route.aclose()


async def _streamed(route: Route, firsts: list[float]) -> str:
    pieces, began = list[str](), time.perf_counter()
    async for piece in route.stream():
        if not pieces:
            firsts.append(time.perf_counter() - began)
        pieces.append(piece)
    return "".join(pieces)


def _peak_kb() -> int:
    """Peak resident memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


async def serve(worker: Worker, answers: IO[str]) -> None:
    """Until stdin ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        try:
            told = await (worker.tell(asked) if asked.pop("do", "race") == "tell" else worker.race(asked))
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(told), file=answers, flush=True)
    await worker.aclose()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    opener = importlib.import_module(sys.argv[1]).open_route
    print(json.dumps({"ready": sys.argv[1]}), file=answers, flush=True)
    asyncio.run(serve(Worker(opener, Path(sys.argv[2])), answers))
