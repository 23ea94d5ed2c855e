"""The ways to a Redis: a unix socket, TLS, a password from the environment, Sentinel with a primary that dies, a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from llmesc.escalation.circuits import CircuitState
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.store import RunFilter, StateUnavailable, Store
from tests.certificates import self_signed
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

T = TypeVar("T")
Start = Callable[..., RedisServer]
KEY = CircuitKey("openai", "team-a")


async def recorded(store: Store, kit: Any, run_id: str = "7f3a") -> bool:
    """Whether it takes a run and gives it back."""
    await store.append(kit.answered(run_id))
    return len(await store.events(run_id)) == 5


async def test_a_unix_socket(kit: Any, redis_with: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "redis.sock"
    redis_with("--unixsocket", str(path), "--requirepass", "hunter2")

    store = await kit.redis(f"redis://:hunter2@/3?socket={path}&timeout=10s")

    assert await recorded(store, kit)
    assert (await store.check())["place"] == f"redis:///3?socket={path}"
    await store.aclose()


async def test_a_password_from_the_environment(kit: Any, redis_with: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = redis_with("--requirepass", "hunter2")
    monkeypatch.setenv("TEAM_REDIS", "hunter2")

    store = await kit.redis(f"{server.url}&password_env=TEAM_REDIS")

    assert await recorded(store, kit)
    await store.aclose()


@contextlib.asynccontextmanager
async def tls_before(server: RedisServer, folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """A TLS end in front of a server, as stunnel or a load balancer is; its port, and the certificate that is to be trusted."""
    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain_reader, plain_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pump(reader, plain_writer), pump(plain_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as end:
        yield end.sockets[0].getsockname()[1], certificate


async def test_tls_is_spoken_and_certificates_are_looked_at(kit: Any, redis_with: Start, tmp_path: Path) -> None:
    server = redis_with("--requirepass", "hunter2")
    async with tls_before(server, tmp_path) as (port, certificate):
        url = f"rediss://:hunter2@127.0.0.1:{port}/0?timeout=10s"
        store = await kit.redis(f"{url}&ca={certificate}")
        assert await recorded(store, kit)
        await store.aclose()

        with pytest.raises(StateUnavailable, match=r"shows a certificate that is not trusted: \?ca=FILE"):
            await kit.redis(url)


def sentinel_of(primary: RedisServer) -> str:
    return (
        f"sentinel monitor main 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds main 2000\n"  # a busy machine must not make it take a live primary for dead
        "sentinel failover-timeout main 2000\n"
    )


async def test_behind_sentinel_the_replica_takes_over_with_what_it_was_told(kit: Any, redis_with: Start) -> None:
    primary = redis_with()
    replica = redis_with("--replicaof", "127.0.0.1", str(primary.port))
    sentinel = redis_with(sentinel=sentinel_of(primary))
    store = await kit.redis(f"redis://127.0.0.1:{sentinel.port}/0?sentinel=main&timeout=10s")
    await until(lambda: f"port={replica.port},state=online" in primary.ask("INFO", "replication"))
    await until(lambda: "num-slaves\r\n$1\r\n1" in sentinel.ask("SENTINEL", "MASTER", "main"))
    await store.signal(KEY, kit.failed(trip=True))
    assert await recorded(store, kit, "before")
    assert primary.ask("WAIT", "1", "10000").startswith(":1")

    primary.kill()
    circuit = await at_last(lambda: kit.circuit(store, KEY))

    assert "role:master" in replica.ask("INFO", "replication")
    assert circuit.state is CircuitState.OPEN
    assert await recorded(store, kit, "after")
    assert {run.run_id for run in await store.runs(RunFilter())} == {"before", "after"}
    await store.aclose()


async def test_a_primary_that_became_a_replica_is_left_for_the_new_one(kit: Any, redis_with: Start) -> None:
    one, two = redis_with(), redis_with()
    two.ask("REPLICAOF", "127.0.0.1", str(one.port))
    store = await kit.redis(one.url)
    assert await recorded(store, kit)

    one.ask("REPLICAOF", "127.0.0.1", str(two.port))

    with pytest.raises(StateUnavailable, match="is a read-only replica: name the primary, or its sentinels"):
        await store.append(kit.answered("more"))
    await store.aclose()


async def test_in_a_cluster_two_states_lie_in_slots_of_their_own(kit: Any, cluster_server: RedisServer) -> None:
    stores = [
        await kit.redis(f"redis://127.0.0.1:{cluster_server.port}?cluster=true&timeout=10s&prefix={prefix}")
        for prefix in ("team-a", "team-b")
    ]

    assert await recorded(stores[0], kit, "mine")

    assert [len(await store.runs(RunFilter())) for store in stores] == [1, 0]
    slots = [cluster_server.ask("CLUSTER", "KEYSLOT", f"{{{prefix}}}:run:mine") for prefix in ("team-a", "team-b")]
    assert slots[0] != slots[1]
    for store in stores:
        await store.aclose()


def is_whole(node: RedisServer) -> bool:
    """Whether a node knows of all three and serves."""
    return {"cluster_state:ok", "cluster_known_nodes:3"} <= set(node.ask("CLUSTER", "INFO").split("\r\n"))


async def test_in_a_cluster_of_three_each_state_lies_on_one_and_is_found_by_any(kit: Any, redis_with: Start) -> None:
    nodes = [redis_with("--cluster-enabled", "yes") for _ in range(3)]
    for number, node in enumerate(nodes):
        slots = range(number * 5_462, min(16_384, (number + 1) * 5_462))
        assert node.ask("CLUSTER", "ADDSLOTS", *map(str, slots)).startswith("+OK")
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port))
    for node in nodes:
        await until(partial(is_whole, node))

    for number in range(12):
        prefix, first = f"team-{number}", nodes[number % 3]
        store = await kit.redis(f"redis://127.0.0.1:{first.port}?cluster=true&timeout=10s&prefix={prefix}")
        assert await recorded(store, kit, f"of-{prefix}")
        for _ in range(3):
            await store.signal(KEY, kit.failed())
        assert (await kit.circuit(store, KEY)).state is CircuitState.OPEN
        await store.deny(kit.denial("lab/qwen"))
        assert len(await store.denials()) == 1
        assert [run.run_id for run in await store.runs(RunFilter())] == [f"of-{prefix}"]
        assert (await store.check())["write"] == "ok"
        await store.aclose()

    sizes = [int(node.ask("DBSIZE").strip()[1:]) for node in nodes]
    assert all(sizes), "states spread over the nodes"


async def until(there: Callable[[], bool]) -> None:
    """Waits for what servers tell each other."""
    give_up = time.monotonic() + 60
    while not there():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)


async def at_last(ask: Callable[[], Awaitable[T]]) -> T:
    """What it answers once there is a primary again; until then it says that there is none, in one way or another."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return await ask()
        except StateUnavailable as error:
            assert time.monotonic() < give_up
            assert "(sentinel main) has no primary" in str(error) or "refused" in str(error) or "read-only" in str(error), error
        await asyncio.sleep(0.1)
