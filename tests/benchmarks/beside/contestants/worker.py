"""A contestant's process: reads what to do from stdin, a JSON object a line, and writes what it took to stdout.

    python worker.py MODULE FOLDER

    {"chain": {"bases": ["http://127.0.0.1:1/ok/v1"]}, "stream": false, "calls": 100, "at_once": 1, "expect": "Paris…",
     "connect": true, "between": false}
    {"cpu_us": 61234.5, "wall_us": 65432.1, "first_us": [812.0, …]}

`at_once` lanes make their share of the calls, one after the other in each. `expect` is the whole text of each answer, and whoever
gives another one has not done the work: that is an error. Times are of all calls together, in microseconds; `first_us` has the
time to the first piece of each stream. With `connect` each lane makes one call beforehand that does not count: connections that
were idle while others raced are gone. With `between` each call is timed alone, and before it the contestant is put right, outside
of what is timed. An error is told as `{"error": "…"}`, and the worker lives on.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
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

        async def lanes(each: int) -> None:
            async def lane() -> None:
                for _ in range(each):
                    await one()

            await (lane() if at_once == 1 else asyncio.gather(*(lane() for _ in range(at_once))))

        apart = asked["between"]
        if asked["connect"]:
            if apart:
                await route.between()
            await lanes(1)
            firsts.clear()
        gc.collect()
        cpu = wall = 0.0
        for _ in range(calls if apart else 1):
            if apart:
                await route.between()
            cpu_began, wall_began = time.process_time(), time.perf_counter()
            await lanes(1 if apart else calls // at_once)
            cpu, wall = cpu + time.process_time() - cpu_began, wall + time.perf_counter() - wall_began
        return {"cpu_us": cpu * 1e6, "wall_us": wall * 1e6, "first_us": [first * 1e6 for first in firsts]}

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
