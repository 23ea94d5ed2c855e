"""Whether a call costs more when much is recorded: the same one over a state of 0, of 100,000 and of 1,000,000 attempts."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.state.open import open_store
from tests.benchmarks import activity
from tests.benchmarks.beside.field import Contestant, Field
from tests.benchmarks.beside.figures import Figures
from tests.benchmarks.beside.provider import Provider
from tests.benchmarks.beside.races import Race, Track

SIZES = (0, 100_000)
LONG = (1_000_000,)
RACE = Race("growth.call", "a durable call over so many recorded attempts: CPU")
EVENTS_OF_A_RUN = 2
"""Stretches that are stored for each run: what is written when an attempt starts, and when it ends."""


def run(provider: Provider, folder: Path, rounds: int, *, long: bool) -> Figures:
    """Races llmesc against itself."""
    sizes = (*SIZES, *LONG) if long else SIZES
    who = {f"{size:,}": f"sqlite://{_filled(folder / f'grown-{size}.db', size)}" for size in sizes}
    field = Field({name: Contestant(name, f"after {name}", "of_llmesc", variant=url) for name, url in who.items()})
    own = folder / "grown"
    own.mkdir()
    with Track(field, provider, own) as track:
        measured = track.run(RACE, rounds)
    if field.absent:
        raise RuntimeError(f"a grown state could not be used: {field.absent}")
    return measured


def _filled(path: Path, attempts: int) -> Path:
    asyncio.run(_made(f"sqlite://{path}"))
    if attempts:
        activity.fill(path, attempts, time.time())
        with closing(sqlite3.connect(path)) as connection, connection:
            _tell(connection)
    return path


def _tell(connection: sqlite3.Connection) -> None:
    """Gives each run events of about the size of real ones, and the candidate that is called a history."""
    body = json.dumps([{"type": "text_delta", "text": "Raft is a consensus algorithm. " * 8}] * 4)
    for stretch in range(EVENTS_OF_A_RUN):
        first = stretch * 4
        connection.execute("INSERT INTO events SELECT id, ?, ?, ? FROM runs", (first, first + 3, body))
    connection.execute("UPDATE attempts SET ref = 'p0/m', provider = 'p0' WHERE provider = 'lab'")


async def _made(url: str) -> None:
    store = await open_store(url, clock=SystemClock(), policy=CircuitPolicy())
    await store.aclose()
