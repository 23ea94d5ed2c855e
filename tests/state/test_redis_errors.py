"""What is said where a Redis cannot be used: what is wrong, what to do, and no password."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from redis import exceptions

from llmesc.escalation.redis_url import parse_redis_url
from llmesc.state.open import open_store
from llmesc.state.redis_errors import in_words
from llmesc.state.store import StateUnavailable, Store
from tests.redis_server import RedisServer, free_port

pytestmark = pytest.mark.anyio

Start = Callable[..., RedisServer]


async def problem(kit: Any, url: str, use: Callable[[Store], Any] | None = None) -> StateUnavailable:
    with pytest.raises(StateUnavailable) as raised:
        store = await open_store(url, clock=kit.clock, policy=kit.policy)
        try:
            await (use or (lambda store: store.check()))(store)
        finally:
            await store.aclose()
    return raised.value


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://127.0.0.1:{port}/0?timeout=10s", "wants a password: redis://user:password@host"),
        ("redis://:hunter3@127.0.0.1:{port}/0?timeout=10s", "refuses the user or the password"),
        ("redis://ann:hunter3@127.0.0.1:{port}/0?timeout=10s", "refuses the user or the password"),
        ("redis://:hunter2@127.0.0.1:{port}/99?timeout=10s", "127.0.0.1:{port}/99 has no database of that number"),
        ("redis://:hunter2@127.0.0.1:{port}?cluster=true&timeout=10s", "is no cluster: take ?cluster=true away"),
        ("redis://:hunter3@no-such-host.invalid/0?timeout=10s", "has a host name nobody knows"),
        ("redis://:hunter3@/0?socket=/no/such.sock", "redis:///0?socket=/no/such.sock has no such socket"),
        ("redis://:hunter3@127.0.0.1:{nobody}/0", "is not there: the connection is refused"),
        ("redis://:hunter3@127.0.0.1:{nobody}/0?sentinel=main&timeout=10s", "has no primary of that name"),
        ("redis://:hunter3@127.0.0.1:{nobody}?cluster=true&timeout=10s", "is not there: the connection is refused"),
        ("redis://:hunter3@127.0.0.1:99999/0", "has a host or a port that is none"),
        ("redis://:hunter3@127.0.0.1/0?colour=red", "has an option 'colour'; allowed: socket, sentinel"),
    ],
)
async def test_what_is_wrong_with_where_it_is_or_who_asks(kit: Any, redis_with: Start, url: str, words: str) -> None:
    ports = {"port": redis_with("--requirepass", "hunter2").port, "nobody": free_port()}

    error = await problem(kit, url.format(**ports))

    assert words.format(**ports) in str(error)
    told = "".join(traceback.format_exception(error))
    assert "hunter" not in told


async def test_a_replica_says_that_it_is_one(kit: Any, redis_with: Start) -> None:
    primary = redis_with()
    replica = redis_with("--replicaof", "127.0.0.1", str(primary.port))

    assert "is a read-only replica: name the primary, or its sentinels" in str(await problem(kit, replica.url))


async def test_a_full_one_says_what_to_do_and_still_answers_readers(kit: Any, redis_with: Start) -> None:
    server = redis_with()
    store = await kit.redis(server.url)
    await store.append(kit.answered())
    server.ask("CONFIG", "SET", "maxmemory", "100kb")

    with pytest.raises(StateUnavailable, match="is full: raise maxmemory, or keep less"):
        await store.append(kit.answered("more"))

    assert len(await store.events("7f3a")) == 5
    await store.aclose()


async def test_a_user_who_may_not_is_told_which_permissions_are_needed_and_those_are_enough(kit: Any, redis_with: Start) -> None:
    server = redis_with()
    server.ask("ACL", "SETUSER", "bob", "on", ">hunter2", "~other:*", "+@all")
    url = f"redis://bob:hunter2@127.0.0.1:{server.port}/0?timeout=10s"

    assert "ACL: ~{llmesc}:* +@all -@dangerous +info" in str(await problem(kit, url))

    server.ask("ACL", "SETUSER", "bob", "reset", "on", ">hunter2", "~{llmesc}:*", "+@all", "-@dangerous", "+info")
    store = await open_store(url, clock=kit.clock, policy=kit.policy)
    await store.append(kit.answered())
    assert (await store.check())["write"] == "ok"
    await store.aclose()


async def test_a_server_that_tells_nothing_of_itself_is_used_all_the_same(kit: Any, redis_with: Start) -> None:
    server = redis_with()
    server.ask("ACL", "SETUSER", "bob", "on", ">hunter2", "~{llmesc}:*", "+@all", "-@dangerous")

    store = await kit.redis(f"redis://bob:hunter2@127.0.0.1:{server.port}/0?timeout=10s")

    told = await store.check()
    assert (told["engine"], told["write"], "memory" in told) == ("Redis of unknown version", "ok", False)
    await store.aclose()


async def test_a_process_that_was_kept_from_running_does_not_blame_the_server(kit: Any, redis_with: Start) -> None:
    server = redis_with()
    store = await kit.redis(f"redis://127.0.0.1:{server.port}/0?timeout=500ms")

    asking = asyncio.create_task(store.circuits())
    await asyncio.sleep(0)  # it begins to wait
    time.sleep(0.7)

    assert await asking == {}
    await store.aclose()


async def test_a_node_of_a_cluster_says_so(kit: Any, redis_with: Start) -> None:
    server = redis_with("--cluster-enabled", "yes")

    assert "is a cluster that is down" in str(await problem(kit, server.url))


async def test_another_programs_port_is_told_from_a_redis(kit: Any) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]

        assert "does not answer as a Redis does" in str(await problem(kit, f"redis://127.0.0.1:{port}/0?timeout=10s"))


async def test_eviction_that_would_drop_circuits_is_told_by_the_check(kit: Any, redis_with: Start) -> None:
    server = redis_with("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    store = await kit.redis(server.url)

    assert "set maxmemory-policy noeviction" in (await store.check())["eviction"]
    server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert "eviction" not in await store.check()
    await store.aclose()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "is still loading its data"),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots, but"), "cannot save to its own disk"),
        (exceptions.ResponseError("unknown command 'ZMSCORE', with args beginning with:"), "is too old: Redis 6.2 or newer"),
        (exceptions.MasterDownError("Link with MASTER is down and replica-serve-stale-data"), "has lost its primary"),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), "too few replicas follow"),
        (exceptions.ConnectionError("Connection closed by server."), "is away: Connection closed by server."),
        (exceptions.ResponseError("ERR something\nnobody  has met"), "cannot do it: ERR something nobody has met"),
    ],
)
def test_words_for_what_no_test_can_bring_about(error: Exception, words: str) -> None:
    assert words in in_words(error, prefix="{llmesc}:", with_password=False)


def test_nothing_shows_the_password() -> None:
    place = parse_redis_url("redis://ann:hunter2@host:1/3?sentinel=main&sentinel_password=hunter3")

    assert "hunter" not in f"{place} {place!r}"
