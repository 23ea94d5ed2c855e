"""From what an operator asks for to a worker that is ready."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmesc import __version__
from llmesc.engine.engine import Engine
from llmesc.engine.serving.meeting import meet
from llmesc.engine.serving.served import Served, servings
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.ports import CredentialsMissing
from llmesc.escalation.untrusted import one_line
from llmesc.fleet.messages import NAME, WorkerSays
from llmesc.fleet.workers import Workers

if TYPE_CHECKING:
    from llmesc.engine.serving.job import JobDone
    from llmesc.engine.serving.worker import FleetWorker


@asynccontextmanager
async def open_worker(
    engine: Engine,
    served: Sequence[Served],
    *,
    name: str,
    concurrency: int,
    queue: int,
    on_done: Callable[[JobDone], None],
    warn: Callable[[str], None],
    on_drain: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[FleetWorker]:
    """A worker whose models are ready to be called: their weights are fetched before anybody may ask for them.

    Raises `ConfigError`, `MissingPackage` and `StateUnavailable`.
    """
    key = await engine.fleet_key()
    async with meet(engine.config) as link:
        from llmesc.engine.serving.worker import FleetWorker, Parts  # needs the client of a Redis, which `meet` looked for

        for candidate in {candidate.model_key: candidate for each in served for candidate in each.candidates}.values():
            try:
                await engine.make_ready(candidate)
            except CredentialsMissing as missing:
                raise ConfigError((str(missing),)) from None
        says = WorkerSays(
            name=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            started=link.now(),
            serves=servings(served),
            concurrency=concurrency,
            queue=queue,
        )
        for other in await Workers(link, key).living():
            if other.name == name and not is_gone(other):
                warn(f"{_twice(other)}; --name tells them apart")
        parts = Parts(engine=engine, link=link, key=key, served=served, on_done=on_done, warn=warn, on_drain=on_drain)
        yield FleetWorker(parts, says)


def is_gone(worker: WorkerSays) -> bool:
    """Whether its process was killed on this host, so that it only seems to live until its lease ends."""
    if worker.host != socket.gethostname():
        return False
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives, and is somebody else's
        return False
    return False


def _twice(other: WorkerSays) -> str:
    where = f"on {one_line(other.host)} as process {other.pid}"
    return f"a worker called {other.name} lives already, {where}: two of one name are shown, drained and counted as one"


def worker_name(said: str | None) -> str:
    """`said`, or that of this process: `host-pid`. Raises ValueError for what is none."""
    if said is not None:
        if not NAME.fullmatch(said):
            raise ValueError(f"{said!r} is no name for a worker: letters, digits and . _ -, 80 at the most")
        return said
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).strip("-._") or "worker"
    return f"{host[:60]}-{os.getpid()}"
