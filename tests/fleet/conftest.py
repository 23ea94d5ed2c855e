"""A real server, and links to keys on it that no other test has."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from llmesc.escalation.redis_url import parse_redis_url
from llmesc.fleet.link import Link
from tests.redis_server import RedisServer

_prefixes = itertools.count()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("fleet-redis"))
    yield server.start()
    server.stop()


@pytest.fixture
def prefix() -> str:
    return f"f{next(_prefixes)}"


@pytest.fixture
def url(redis_server: RedisServer, prefix: str) -> str:
    return f"{redis_server.url}&prefix={prefix}"


@pytest.fixture
async def link(url: str) -> AsyncIterator[Link]:
    made = Link(parse_redis_url(url))
    await made.open()
    yield made
    await made.aclose()


@pytest.fixture
def idle(redis_server: RedisServer, prefix: str) -> Callable[[str, str, str], None]:
    """`idle(lane, worker, entry)`: as if the worker had said nothing for longer than a lease."""

    def make(lane: str, worker: str, entry: str) -> None:
        key = f"{{{prefix}}}:fleet:lane:{lane}"
        redis_server.ask("XCLAIM", key, "workers", worker, "0", entry, "IDLE", "60000", "JUSTID")

    return make


@pytest.fixture
def put(link: Link) -> Callable[..., Awaitable[int | None]]:
    """`await put(job, lane=…)`: asks, with a body that nobody reads."""

    async def ask(job: str, lane: str = "m@8k", *, most: int = 8, seconds: float = 60.0) -> int | None:
        return await link.ask(lane, job, b"body of " + job.encode(), "", most=most, until=link.now() + seconds)

    return ask
