"""A real Redis, a worker in this process and an engine that asks it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import Engine
from llmesc.engine.serving.job import JobDone
from llmesc.engine.serving.open_worker import open_worker
from llmesc.engine.serving.served import served
from llmesc.engine.serving.worker import FleetWorker
from llmesc.escalation.redis_url import parse_redis_url
from llmesc.fleet.link import Link
from tests.redis_server import RedisServer

_prefixes = itertools.count()


@pytest.fixture(scope="session")
def fleet_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("serving-redis"))
    yield server.start()
    server.stop()


@dataclass
class Here:
    """One fleet, in keys of its own."""

    server: RedisServer
    folder: Path
    url: str
    done: list[JobDone] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    drained: list[int] = field(default_factory=list)
    """Of each worker that was told to leave, how many requests it was to finish."""

    def engine(self, name: str, providers: str, key: str = "") -> AbstractAsyncContextManager[Engine]:
        """Of a host, with a state of its own."""
        path = self.folder / f"{name}.toml"
        said = f'key = "{key}"' if key else ""
        path.write_text(f'state = "sqlite://{self.folder}/{name}.db"\n[fleet]\nurl = "{self.url}"\n{said}\n{providers}')
        return Engine.open(config=load(path, {}), on_warning=self.warnings.append)

    @asynccontextmanager
    async def worker(
        self, providers: str, *serve: str, name: str = "w1", concurrency: int = 2, queue: int = 8, key: str = ""
    ) -> AsyncIterator[tuple[Engine, FleetWorker]]:
        """Serves until the block is left; then what it began is done."""
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(self.engine(name, providers, key))
            worker = await stack.enter_async_context(
                open_worker(
                    engine,
                    served(engine.config, engine.offerings, serve, ()),
                    name=name,
                    concurrency=concurrency,
                    queue=queue,
                    on_done=self.done.append,
                    warn=self.warnings.append,
                    on_drain=self.drained.append,
                )
            )
            running = asyncio.create_task(worker.run())
            async with self.link() as link:
                while not (await link.survey())[0]:
                    await asyncio.sleep(0.01)
            try:
                yield engine, worker
            finally:
                worker.drain()
                await running

    @asynccontextmanager
    async def link(self) -> AsyncIterator[Link]:
        link = Link(parse_redis_url(self.url))
        await link.open()
        try:
            yield link
        finally:
            await link.aclose()

    async def until(self, holds: Callable[[], object]) -> None:
        """Waits until it is so; the test's own time-out is the limit."""
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.01)


@pytest.fixture
def here(fleet_redis: RedisServer, tmp_path: Path) -> Here:
    return Here(fleet_redis, tmp_path, f"{fleet_redis.url}&prefix=s{next(_prefixes)}")
