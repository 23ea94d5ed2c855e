"""The fleet meets at whatever Redis there is: one that sentinels name, also after its primary died, and one behind TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.errors import LlmescError
from tests.engine.serving.conftest import Here
from tests.redis_server import RedisServer
from tests.state.test_redis_ways import sentinel_of, tls_before, until

pytestmark = pytest.mark.anyio

LAB = """
[providers.lab]
api = "simulated"
tier = "local"
models = [{ name = "m", script = [{ text = "Served." }] }]
"""
ASKER = '[providers.gpu]\napi = "fleet"\nmodels = ["m"]\n'


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a server of the test's own."""
    servers: list[RedisServer] = []

    def start(*settings: str, sentinel: str = "") -> RedisServer:
        servers.append(RedisServer(tmp_path / f"redis-{len(servers)}", *settings, sentinel=sentinel))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


async def answered(engine: Any) -> str:
    reply = await engine.ask("hi")
    return str(reply.text)


async def test_a_fleet_behind_sentinel_goes_on_at_the_replica(started: Callable[..., RedisServer], tmp_path: Path) -> None:
    primary = started()
    replica = started("--replicaof", "127.0.0.1", str(primary.port))
    sentinel = started(sentinel=sentinel_of(primary))
    await until(lambda: f"port={replica.port},state=online" in primary.ask("INFO", "replication"))
    await until(lambda: "num-slaves\r\n$1\r\n1" in sentinel.ask("SENTINEL", "MASTER", "main"))
    here = Here(primary, tmp_path, f"redis://127.0.0.1:{sentinel.port}/0?sentinel=main&timeout=10s")
    async with here.worker(LAB, "lab/m"), here.engine("asker", ASKER) as asker:
        assert await answered(asker) == "Served."

        primary.kill()
        await until(lambda: "role:master" in replica.ask("INFO", "replication"))
        give_up = time.monotonic() + 60
        while True:
            async with here.engine("late", ASKER) as late:  # with circuits that know nothing of the moments between
                try:
                    assert await answered(late) == "Served."
                    break
                except LlmescError:
                    assert time.monotonic() < give_up
            (tmp_path / "late.db").unlink(missing_ok=True)
            await asyncio.sleep(0.2)


async def test_a_fleet_over_tls(started: Callable[..., RedisServer], tmp_path: Path) -> None:
    server = started()
    async with tls_before(server, tmp_path) as (port, certificate):
        here = Here(server, tmp_path, f"rediss://127.0.0.1:{port}/0?timeout=10s&ca={certificate}")
        async with here.worker(LAB, "lab/m"), here.engine("asker", ASKER) as asker:
            assert await answered(asker) == "Served."
