"""A connection to one Redis, Sentinel's primary or a cluster, that answers in time or says why it cannot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from llmesc.escalation.redis_url import RedisPlace
from llmesc.state.redis_errors import in_words
from llmesc.state.redis_scripts import Script, script
from llmesc.state.redis_time import ServerTime
from llmesc.state.store import StateUnavailable

T = TypeVar("T")

OLDEST = (6, 2)
"""The first Redis with ZMSCORE."""

OPENING = 4.0
"""How many times as long as one answer the opening may take: the handshakes of TCP, TLS and the password."""

PATIENT_SECONDS = 5.0
"""For what a person waits for: lists, whole runs, `doctor`."""

CONNECTIONS = 32
"""More than one process of llmesc needs that only writes down what it does."""

_CLOCK_TRIES = 5

_STALL_SECONDS = 0.005
"""A timer that fires so much later found the event loop, or the whole process, stopped."""


class RedisConnection:
    """Every method raises `StateUnavailable`, whatever goes wrong, and none takes longer than it is given."""

    def __init__(self, place: RedisPlace, time: ServerTime, connections: int = CONNECTIONS) -> None:
        """`connections`: how many at the most; what is asked while all are in use waits for its turn."""
        self.place = place
        self.prefix = f"{{{place.prefix}}}:"
        self.version = ""
        """Of the server, for people: `Redis 7.2.4`."""
        self._time = time
        self._client: Redis | RedisCluster | None = None
        self._sentinel: Sentinel | None = None
        self._turns = asyncio.Semaphore(connections)
        self._connections = connections

    async def open(self) -> None:
        """Connects, and sees that it is a server that llmesc can use."""
        try:
            self._client = self._connect()
            await self._bounded(self._greet, self.place.timeout_seconds * OPENING)
        except BaseException:
            await self.aclose()
            raise

    async def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | bytes | int], seconds: float) -> list[Any]:
        """Runs the script `name`; what it answers beyond the time. `keys` are given their prefix here."""
        for _ in range(_CLOCK_TRIES):
            answer = await self._bounded(lambda: self._evaluate(name, keys, arguments), seconds)
            self._time.heard(int(answer[0]) + int(answer[1]) / 1e6)
            if answer[2] != b"clock":
                return answer[2:]
            if name == "swap":  # decided by a clock that is off: to be decided again
                return answer[2:]
        raise self._problem("and this host cannot agree on the time")

    async def evaluate(
        self, wanted: Script, keys: Sequence[str], arguments: Sequence[str | bytes | int], seconds: float
    ) -> list[Any]:
        """Runs a script of another room, which is told what keys begin with, then `arguments`. Every script answers with the time
        first; what it answers beyond that.
        """
        given = (len(keys), *(self.prefix + key for key in keys), self.prefix, *arguments)
        answer = await self._bounded(lambda: self._run(wanted, given), seconds)
        self._time.heard(int(answer[0]) + int(answer[1]) / 1e6)
        return answer[2:]

    async def command(self, *command: str | bytes | int, seconds: float) -> Any:
        """One command, as it is."""
        return await self._bounded(lambda: self._ready().execute_command(*command), seconds)

    async def news(self, after: str, seconds: float) -> str:
        """Waits until something was written after `after` (an id of the stream of news; empty: from now on), at the most so long.
        The id to go on from.
        """
        stream = f"{self.prefix}news"
        if not after:
            newest = await self.command("XREVRANGE", stream, "+", "-", "COUNT", 1, seconds=PATIENT_SECONDS)
            return str(newest[0][0].decode()) if newest else "0-0"
        block = max(1, int(seconds * 1_000))
        found = await self.command("XREAD", "BLOCK", block, "STREAMS", stream, after, seconds=seconds + PATIENT_SECONDS)
        return str(found[0][1][-1][0].decode()) if found else after

    async def aclose(self) -> None:
        """Closes all connections."""
        client, self._client = self._client, None
        sentinel, self._sentinel = self._sentinel, None
        for each in (client, *(sentinel.sentinels if sentinel else ())):
            if each is not None:
                await each.aclose()

    # -- how --------------------------------------------------------------------------------------------------------------------

    def _connect(self) -> Redis | RedisCluster:
        place = self.place
        password = place.password.reveal() if place.password else os.environ.get(place.password_env or "")
        options: dict[str, Any] = {
            "protocol": 2,
            "max_connections": max(self._connections, 100),  # redis-py's own number; the turns keep below it
            "socket_timeout": None,  # the time is kept here, see `_bounded`
            "socket_connect_timeout": None,
        }
        if place.tls:
            options |= {"ssl": True, "ssl_ca_certs": place.ca, "ssl_certfile": place.cert, "ssl_keyfile": place.key}
        # What llmesc asks may be asked twice: a connection that the server has closed meanwhile is opened again at once.
        retry = Retry(NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,))
        own: dict[str, Any] = {"username": place.user, "password": password or None, "retry": retry}
        if place.cluster:
            nodes = [ClusterNode(host, port) for host, port in place.addresses]
            return RedisCluster(startup_nodes=nodes, **own, **options)
        own["db"] = place.database
        if place.sentinel:
            theirs = place.sentinel_password.reveal() if place.sentinel_password else None
            self._sentinel = Sentinel(  # type: ignore[no-untyped-call] # redis-py has not typed it yet
                list(place.addresses),
                sentinel_kwargs={**options, "username": place.sentinel_user, "password": theirs, "retry": Retry(NoBackoff(), 0)},
            )
            primary: Redis = self._sentinel.master_for(place.sentinel, **own, **options)
            return primary
        if place.socket:
            return Redis(unix_socket_path=place.socket, **own, **options)
        ((host, port), *_) = place.addresses
        return Redis(host=host, port=port, **own, **options)

    async def _greet(self) -> None:
        client = self._ready()
        if isinstance(client, RedisCluster):
            await client.initialize()
        try:
            facts = await client.info("server")
        except exceptions.NoPermissionError:  # managed services forbid it to some; then its age shows when it is used
            facts = {}
        if isinstance(client, RedisCluster) and facts and "redis_version" not in facts:
            facts = next(iter(facts.values()))  # by node
        said = str(facts.get("redis_version", ""))
        self.version = (
            f"Valkey {facts['valkey_version']}" if "valkey_version" in facts else f"Redis {said or 'of unknown version'}"
        )
        if said and tuple(map(int, said.split(".")[:2])) < OLDEST:
            raise self._problem(f"is Redis {said}; llmesc needs 6.2 or newer, or Valkey")
        await self._evaluate_time()

    async def _evaluate_time(self) -> None:
        answer = await self._evaluate("look", ("circuits",), ("-",))
        self._time.heard(int(answer[0]) + int(answer[1]) / 1e6)

    async def _evaluate(self, name: str, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> list[Any]:
        rest = (len(keys), *(self.prefix + key for key in keys), *self._time.said(), self.prefix, *arguments)
        return await self._run(script(name), rest)

    async def _run(self, wanted: Script, rest: Sequence[str | bytes | int]) -> list[Any]:
        client = self._ready()
        try:
            return list(await client.execute_command("EVALSHA", wanted.sha, *rest))
        except exceptions.NoScriptError:  # a server that was started anew, or has not met it yet
            return list(await client.execute_command("EVAL", wanted.text, *rest))

    def _ready(self) -> Redis | RedisCluster:
        if self._client is None:
            raise self._problem("is closed")
        return self._client

    async def _bounded(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What `ask` brings, within `seconds`. Where this process itself was kept from running meanwhile, that was not the
        server's delay: it gets its time once more.
        """
        task = asyncio.ensure_future(self._in_turn(ask))
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        try:
            await asyncio.wait({task}, timeout=seconds)
            if not task.done() and clock() > deadline + _STALL_SECONDS:
                await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
        if not task.done():
            await asyncio.gather(task, return_exceptions=True)
            raise self._problem(f"does not answer within {seconds * 1_000:.0f} ms")
        try:
            return task.result()
        except StateUnavailable:
            raise
        except (exceptions.RedisError, exceptions.RedisClusterException, OSError, ValueError, EOFError) as error:
            words = in_words(error, prefix=self.prefix, with_password=bool(self.place.password or self.place.password_env))
            problem = self._problem(words)
        raise problem  # from here: no cause may show what was sent

    async def _in_turn(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._turns:
            return await ask()

    def _problem(self, words: str) -> StateUnavailable:
        return StateUnavailable(f"{self.place} {words}")
