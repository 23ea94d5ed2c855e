"""Twenty-five of the kills that `python -m tests.benchmarks.kill` does by the thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
