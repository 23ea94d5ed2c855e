"""Twenty-five of the kills that `python -m tests.benchmarks.kill` does by the thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.state.open import open_store
from tests.endurance.away import Outages, RedisOutages, SqliteOutages
from tests.endurance.killing import kill
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

KILLS = 25


@pytest.fixture(params=["sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Outages]]:
    """A state, and what takes it away."""
    if request.param == "sqlite":
        path = tmp_path / "state.db"
        yield f"sqlite://{path}", SqliteOutages(path)
        return
    server = RedisServer(tmp_path / "redis").start()
    yield server.url.replace("timeout=10s", "timeout=500ms"), RedisOutages(server)
    server.stop()


async def test_killed_at_any_moment_no_attempt_is_missing_none_is_counted_twice_and_no_circuit_is_stuck(
    state: tuple[str, Outages], tmp_path: Path
) -> None:
    url, outages = state

    killed = await kill(KILLS, url, outages, tmp_path)

    assert killed.problems == []
    assert killed.kills == KILLS
    assert killed.audit.requests > 0, "nobody lived long enough to ask"
    assert killed.audit.outcomes["interrupted"] > 0
    assert sum(killed.away.values()) > 0


async def test_killed_while_old_requests_are_let_go_the_chain_still_holds(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    settings = '[records]\nkeep = "20ms"\n'

    # Long lives, because it takes a request that ends to let others go.
    await kill(10, f"sqlite://{path}", SqliteOutages(path), tmp_path, settings=settings, longest_life_seconds=1.0)

    store = await open_store(f"sqlite://{path}", clock=SystemClock(), policy=CircuitPolicy())
    verified = await store.verify()
    await store.aclose()
    assert verified.problems == ()
    assert verified.pruned_runs > 0
