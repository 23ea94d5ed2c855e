"""From a URL to a store that is open."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.redis_url import is_redis_url, parse_redis_url, redacted
from llmesc.escalation.times import Clock
from llmesc.state.keeping import FOR_EVER, Retention
from llmesc.state.last_known import LastKnown
from llmesc.state.memory import MemoryStore
from llmesc.state.process import this_process
from llmesc.state.resilient import ResilientStore
from llmesc.state.spool import Spool
from llmesc.state.store import StateUnavailable, Store

MEMORY = "memory:"
"""The URL of a store that dies with its process."""


def _holder() -> str:
    process = this_process()
    return f"{process.host}:{process.pid}"


def random_part() -> float:
    """A number in [0, 1)."""
    return int.from_bytes(os.urandom(6), "big") / 2**48  # the module `random` would take 5 ms to load


def _new_token() -> str:
    return os.urandom(16).hex()


def resilient_store(
    url: str,
    *,
    clock: Clock,
    policy: CircuitPolicy,
    spool_directory: Path,
    warn: Callable[[str], None],
    retention: Retention = FOR_EVER,
    opened: Callable[[Store], Awaitable[None]] | None = None,
) -> ResilientStore:
    """The store that `url` names, opened at first use, for runs: see `ResilientStore`, and `open_store` for `retention`. `opened`
    is called each time it has been, before anything is written.

    A store in memory is never away, and must not take over what others spooled for one that lasts: it would be gone with it.
    """
    fallback = MemoryStore(clock=clock, policy=policy, holder=_holder(), random=random_part, new_token=_new_token)

    async def open_and_tell() -> Store:
        store = await open_store(url, clock=clock, policy=policy, retention=retention)
        if opened is not None:
            try:
                await opened(store)
            except BaseException:
                await store.aclose()
                raise
        return store

    return ResilientStore(
        open_and_tell,
        fallback=fallback,
        spool=None if url == MEMORY else Spool(spool_directory, clock),
        last_known=_last_known(url, spool_directory.with_name("last-known"), clock),
        clock=clock,
        warn=warn,
    )


def _last_known(url: str, folder: Path, clock: Clock) -> LastKnown | None:
    """Of a state that other hosts share: one on this host's own disk has nothing that this file would not have lost with it."""
    if not is_redis_url(url):
        return None
    with suppress(ValueError):  # what is wrong with it, the opening says
        return LastKnown.of(parse_redis_url(url), folder, clock)
    return None


async def open_store(
    url: str,
    *,
    clock: Clock,
    policy: CircuitPolicy,
    holder: str | None = None,
    random: Callable[[], float] = random_part,
    new_token: Callable[[], str] = _new_token,
    retention: Retention = FOR_EVER,
) -> Store:
    """The store that `url` names: `memory:`; `sqlite:///absolute/path.db`, whose file is made where there is none; `redis://…` or
    `rediss://…`, as `RedisPlace` has them.

    `holder` is who asks, for people (`host:pid`, this process); `random` gives numbers in [0, 1). `retention` says which runs go
    by themselves; of a Redis only for how long they are kept, where its URL does not. Raises `StateUnavailable`.
    """
    holder = holder or _holder()
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        return MemoryStore(clock=clock, policy=policy, holder=holder, random=random, new_token=new_token)
    if scheme == "sqlite" and rest.startswith("///"):
        from llmesc.state.sqlite import SqliteStore

        path = Path(rest[3:] if rest[4:5] == ":" else rest[2:])  # sqlite:///C:/path is absolute as it stands
        store = SqliteStore(
            path, clock=clock, policy=policy, holder=holder, random=random, new_token=new_token, retention=retention
        )
        await store.open()
        return store
    if is_redis_url(url):
        return await _open_redis(url, retention, clock=clock, policy=policy, holder=holder, random=random, new_token=new_token)
    raise StateUnavailable(f"no state store is named by {scheme}:…; write memory:, sqlite:///absolute/path.db or redis://host")


async def _open_redis(url: str, retention: Retention, **parts: Any) -> Store:
    place, problem = None, ""
    try:
        place = parse_redis_url(url)
    except ValueError as error:
        problem = str(error)
    if place is None:
        raise StateUnavailable(f"the state {redacted(url)} {problem}")
    if retention.keep_seconds is not None and not place.keep_is_said:
        place = replace(place, keep_seconds=retention.keep_seconds)
    try:
        from llmesc.state.redis import RedisStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "redis":
            raise
        raise StateUnavailable("a state on Redis needs the extra `redis`: pip install 'llmesc[redis]'") from None
    store = RedisStore(place, **parts)
    await store.open()
    return store
