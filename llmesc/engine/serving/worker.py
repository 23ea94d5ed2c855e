"""A worker: claims what it can start now, answers it, says that it lives, and leaves when all that it began is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from llmesc.engine.engine import Engine
from llmesc.engine.serving.job import Job, JobDone
from llmesc.engine.serving.served import Served
from llmesc.engine.serving.throughput import Throughput
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.secret import Secret
from llmesc.fleet.link import Claimed, Link
from llmesc.fleet.messages import DRAIN, WorkerSays, write
from llmesc.fleet.signature import is_signed, sign
from llmesc.fleet.times import BEAT_SECONDS, WATCH_SECONDS
from llmesc.state.store import StateUnavailable

REMEMBERED_JOBS = 10_000
"""Requests that are not run a second time when somebody puts them into a lane again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker is made of."""

    engine: Engine
    link: Link
    key: Secret | None
    served: Sequence[Served]
    on_done: Callable[[JobDone], None]
    warn: Callable[[str], None]
    on_drain: Callable[[int], None] = lambda _: None
    """Told once, with how many requests it still finishes."""


class FleetWorker:
    """One process's. `run` it once."""

    def __init__(self, parts: Parts, says: WorkerSays) -> None:
        self._parts = parts
        self._says = says
        self._link = parts.link
        self._references = {str(lane): each.reference for each in parts.served for lane in each.lanes}
        self._running: dict[str, tuple[Claimed, Job, asyncio.Task[None]]] = {}
        self._done: dict[str, None] = {}
        self._throughput = Throughput()
        self._draining = asyncio.Event()
        self._slot_free = asyncio.Event()
        self._is_away = False

    def drain(self) -> None:
        """Takes no more; `run` returns when all that was begun is done."""
        if not self._draining.is_set():
            self._parts.on_drain(len(self._running))
        self._draining.set()
        self._slot_free.set()

    async def run(self) -> None:
        """Serves until it is drained. Raises `StateUnavailable` where the Redis is away at the start; later it waits for it."""
        await self._beat()
        beside = [asyncio.create_task(self._beating()), asyncio.create_task(self._listening())]
        try:
            await self._claiming()
            while self._running:
                await asyncio.wait([task for _, _, task in self._running.values()])
        finally:
            tasks = [*beside, *(task for _, _, task in self._running.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave()

    # -- requests ---------------------------------------------------------------------------------------------------------------

    async def _claiming(self) -> None:
        lanes = list(self._references)
        while not self._draining.is_set():
            if len(self._running) >= self._says.concurrency:
                self._slot_free.clear()
                await self._slot_free.wait()
                continue
            try:
                found = await self._link.claim(self._says.name, lanes)
                if isinstance(found, Claimed):
                    self._start(found)
                else:
                    await self._unless_drained(self._link.news(found, WATCH_SECONDS))
                self._is_away = False
            except StateUnavailable as away:
                self._warn_once(away)
                await asyncio.sleep(WATCH_SECONDS)
            lanes.append(lanes.pop(0))  # no lane waits for another to be empty

    async def _unless_drained(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Waits, but no longer than until this worker is drained."""
        news, drained = asyncio.ensure_future(waiting), asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait({news, drained}, return_when=asyncio.FIRST_COMPLETED)
            if news.done():
                await news
        finally:
            for each in (news, drained):
                each.cancel()
            await asyncio.gather(news, drained, return_exceptions=True)

    def _start(self, claimed: Claimed) -> None:
        if claimed.job in self._running:
            return  # a lease that was lost and found again
        again = claimed.job in self._done
        job = Job(self._parts, self._says.name, claimed, self._references[claimed.lane], self._count)
        task = asyncio.create_task(job.refuse_to_repeat() if again else job.run())
        self._running[claimed.job] = (claimed, job, task)
        task.add_done_callback(lambda _: self._finished(job))

    def _finished(self, job: Job) -> None:
        claimed, _, task = self._running.pop(job.claimed.job)
        self._done[claimed.job] = None
        while len(self._done) > REMEMBERED_JOBS:
            del self._done[next(iter(self._done))]
        self._slot_free.set()
        if not task.cancelled() and (done := job.done) is not None:
            good = done.failure is None and not done.left
            self._says = replace(
                self._says,
                answered=self._says.answered + good,
                failed=self._says.failed + (done.failure is not None and not done.left),
            )
            self._parts.on_done(done)

    def _count(self, tokens: int) -> None:
        self._throughput.add(tokens, asyncio.get_running_loop().time())

    # -- life -------------------------------------------------------------------------------------------------------------------

    async def _beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._beat()
            except StateUnavailable as away:
                self._warn_once(away)

    async def _beat(self) -> None:
        says = replace(
            self._says,
            running=len(self._running),
            tokens_per_second=round(self._throughput.per_second(asyncio.get_running_loop().time()), 1),
            draining=self._draining.is_set(),
        )
        body = write(says)
        held = [claimed for claimed, _, _ in self._running.values()]
        for job in await self._link.beat(says.name, body, sign(self._parts.key, "worker", "", body), held):
            self._cancel(job)

    async def _listening(self) -> None:
        after = f"{round(self._link.now() * 1_000)}-0"  # what was said to one of the same name before is not for this one
        while True:
            try:
                for entry in await self._link.mail(self._says.name, after, WATCH_SECONDS):
                    after = entry.id
                    self._hear(entry.body, entry.signature)
            except StateUnavailable as away:
                self._warn_once(away)
                await asyncio.sleep(WATCH_SECONDS)

    def _hear(self, body: bytes, signature: str) -> None:
        if body == DRAIN.encode():
            if is_signed(self._parts.key, "word", self._says.name, body, signature):
                self.drain()
            else:
                self._parts.warn("somebody without the fleet's key wants this worker drained; it goes on")
        else:
            self._cancel(body.decode("ascii", "replace"))

    def _cancel(self, job: str) -> None:
        if job in self._running:
            self._running[job][1].nobody_waits()

    async def _leave(self) -> None:
        try:
            await self._link.end(self._says.name, list(self._references))
        except StateUnavailable as away:
            self._warn_once(away)  # the lease ends by itself

    def _warn_once(self, away: StateUnavailable) -> None:
        if not self._is_away:
            self._parts.warn(f"{away}; this worker goes on when it is back")
        self._is_away = True
