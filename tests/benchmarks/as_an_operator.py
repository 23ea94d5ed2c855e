"""A made history, and commands over it by processes of their own, starting included: as an operator has it."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.state.sqlite import SqliteStore


class Took(NamedTuple):
    """One command."""

    out: bytes
    wall_seconds: float
    processor_seconds: float


class Place(NamedTuple):
    """A configuration and a state in a folder that is gone afterwards."""

    folder: Path
    state: Path

    def run(self, *arguments: str) -> Took:
        """One command line. Raises `CalledProcessError`."""
        options = ["--config", str(self.folder / "config.toml"), "--state", f"sqlite://{self.state}"]
        start, used = time.perf_counter(), _processor_seconds()
        command = [sys.executable, "-m", "llmesc", *options, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, env=os.environ)
        return Took(done.stdout, time.perf_counter() - start, _processor_seconds() - used)


@contextmanager
def place(config: str) -> Iterator[Place]:
    """With an empty state."""
    with TemporaryDirectory() as folder:
        made = Place(Path(folder), Path(folder) / "state.db")
        (made.folder / "config.toml").write_text(config)
        asyncio.run(_make(made.state))
        yield made


async def _make(path: Path) -> None:
    parts = {"holder": "host:1", "random": random.random, "new_token": lambda: "token"}
    store = SqliteStore(path, clock=SystemClock(), policy=CircuitPolicy(), **parts)
    await store.open()
    await store.aclose()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
