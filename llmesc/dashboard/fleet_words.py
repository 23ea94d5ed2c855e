"""How workers and lanes read in lists. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.dashboard.widgets.rows import Cell, Column
from llmesc.engine.serving.overview import FleetView, LaneLine, WorkerSays
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.style import Style

WORKERS = (
    Column("worker", 0, least=12),
    Column("state", 8),
    Column("load", 11),
    Column("tok/s", 7, right=True),
    Column("done", 8, right=True, keep=1),
    Column("failed", 6, right=True, keep=2),
    Column("up", 8, right=True, keep=3),
)
LANES = (
    Column("lane", 0, least=12),
    Column("running", 7, right=True),
    Column("waiting", 7, right=True),
    Column("room", 6, right=True),
    Column("workers", 24, keep=1),
)

_BAR = 5
"""Columns of the bar that shows how much of a worker is in use."""


def about(view: FleetView) -> str:
    """The line above: how many, how fast, and where they meet."""
    count = words.plural(len(view.workers), "worker")
    waiting = sum(line.waiting for line in view.lanes)
    return one_line(f"llmesc · fleet · {count} · {waiting} waiting · {view.tokens_per_second:.3g} tok/s · {view.place}")


def worker_cells(worker: WorkerSays, now: float) -> Sequence[Cell]:
    """One row of the workers; `now` is of the Redis's clock."""
    state: tuple[str, Style] = ("ready", "good")
    if worker.draining:
        state = ("draining", "doubtful")
    elif worker.running >= worker.concurrency:
        state = ("busy", "strong")
    return (
        Cell(worker.name),
        Cell(*state),
        Cell(f"{bar(worker.running, worker.concurrency)} {worker.running}/{worker.concurrency}"),
        Cell(f"{worker.tokens_per_second:g}"),
        Cell(f"{worker.answered:,}", "dim"),
        Cell(f"{worker.failed:,}" if worker.failed else "", "bad"),
        Cell(words.seconds(max(0.0, now - worker.started)), "dim"),
    )


def lane_cells(line: LaneLine) -> Sequence[Cell]:
    """One row of the lanes."""
    full: Style = "bad" if line.running + line.waiting >= line.room else "plain"
    return (
        Cell(line.lane),
        Cell(str(line.running)),
        Cell(str(line.waiting), full),
        Cell(str(line.room), "dim"),
        Cell(", ".join(line.workers), "dim"),
    )


def bar(running: int, concurrency: int) -> str:
    """How much of it is in use: full blocks for what runs, light ones for what is free."""
    filled = 0 if concurrency <= 0 else min(_BAR, -(-_BAR * running // concurrency))
    return "█" * filled + "░" * (_BAR - filled)
