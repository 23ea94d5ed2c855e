"""The only place of the fleet that talks to its Redis. Every method raises `StateUnavailable` where it cannot be had in time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, cast

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.redis_url import RedisPlace
from llmesc.escalation.times import Timestamp
from llmesc.fleet.scripts import script
from llmesc.fleet.times import ANSWER_SECONDS, LEASE_SECONDS, LEAVE_SECONDS, TRIES, UNREAD_PARTS
from llmesc.state.redis_connection import OPENING, RedisConnection
from llmesc.state.redis_time import ServerTime

_CONNECTIONS = 512
"""Each answer that is waited for holds one."""

_LEASE_MS = round(LEASE_SECONDS * 1_000)


class Claimed(NamedTuple):
    """A request that a worker has."""

    lane: str
    entry: str
    job: str
    body: bytes
    signature: str


class Entry(NamedTuple):
    """Some of an answer, or a word to a worker, as it lies in a stream."""

    id: str
    body: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Fate:
    """How a request fares."""

    word: Literal["gone", "lost", "done", "waiting", "running", "orphaned"]
    worker: str
    begun: bool
    """Some of its answer was told."""


class Load(NamedTuple):
    """Of one lane."""

    waiting: int
    running: int


class _Machine:
    def now(self) -> Timestamp:
        return Timestamp(time.time())

    def monotonic(self) -> float:
        return time.monotonic()


class Link:
    """One process's way to the others."""

    def __init__(self, place: RedisPlace, connect_seconds: float = ANSWER_SECONDS) -> None:
        """`connect_seconds`: what opening may take."""
        self.place = replace(place, timeout_seconds=max(place.timeout_seconds, connect_seconds / OPENING))
        self._time = ServerTime(_Machine(), follow=True)
        self._redis = RedisConnection(self.place, self._time, _CONNECTIONS)

    async def open(self) -> None:
        """Connects."""
        await self._redis.open()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._redis.aclose()

    def now(self) -> Timestamp:
        """The Redis's time, which all of the fleet go by."""
        return self._time.now()

    async def survey(self, lanes: Sequence[str] = ()) -> tuple[list[Entry], Mapping[str, Load]]:
        """What each worker that lives said last, and how many wait and run in `lanes`."""
        keys = ["fleet:workers", "fleet:about", *map(_lane, lanes)]
        count, *rest = await self._run("survey", keys)
        told = [bytes(said).partition(b" ") for said in rest[: int(count)]]
        numbers = list(map(int, rest[int(count) :]))
        loads = [Load(max(0, waiting), running) for waiting, running in zip(numbers[::2], numbers[1::2], strict=True)]
        workers = [Entry("", body, signature.decode("ascii", "replace")) for signature, _, body in told]
        return workers, dict(zip(lanes, loads, strict=True))

    # -- who asks ---------------------------------------------------------------------------------------------------------------

    async def ask(self, lane: str, job: str, body: bytes, signature: str, *, most: int, until: float) -> int | None:
        """Puts a request into a lane that may hold `most`, running and waiting, or says how many wait there where it is full. It
        is gone at `until`.
        """
        arguments = (job, lane, body, signature, most, round(until * 1_000))
        word, *waiting = await self._run("ask", [_lane(lane), _job(job)], *arguments)
        return int(waiting[0]) if word == b"full" else None

    async def read(self, job: str, after: str, seconds: float) -> list[Entry]:
        """The parts of an answer behind `after`; waits at the most so long for one."""
        return await self._read({_answer(job): after}, b"part", seconds)

    async def forget(self, job: str, entries: Sequence[Entry]) -> None:
        """These parts were read: their worker may go on."""
        await self._redis.command(
            "XDEL", self._redis.prefix + _answer(job), *(each.id for each in entries), seconds=ANSWER_SECONDS
        )

    async def watch(self, job: str) -> Fate:
        """How a request fares."""
        word, worker, begun = await self._run("watch", [_job(job), "fleet:workers"])
        return Fate(cast(Any, word.decode()), worker.decode("ascii", "replace"), begun == b"1")

    async def leave(self, job: str) -> None:
        """Nobody waits for its answer any more; whoever runs it is told."""
        await self._redis.evaluate(script("leave"), [_job(job), _answer(job)], (job,), LEAVE_SECONDS)

    # -- who answers ------------------------------------------------------------------------------------------------------------

    async def beat(self, worker: str, body: bytes, signature: str, running: Sequence[Claimed]) -> list[str]:
        """`worker` lives, and keeps what it runs; the ids of those that are not its own any more."""
        held = [text for each in running for text in (each.lane, each.entry, each.job)]
        lost = await self._run("beat", ["fleet:workers", "fleet:about"], worker, _LEASE_MS, body, signature, *held)
        return [job.decode("ascii", "replace") for job in lost]

    async def claim(self, worker: str, lanes: Sequence[str]) -> Claimed | dict[str, str]:
        """One request to start now; or, where there is none, what was last in each lane: what comes behind is news."""
        word, *rest = await self._run("claim", list(map(_lane, lanes)), worker, _LEASE_MS, TRIES)
        if word == b"none":
            return {lane: entry.decode() for lane, entry in zip(lanes, rest, strict=True)}
        number, entry, job, body, signature = rest
        said = signature.decode("ascii", "replace")
        return Claimed(lanes[int(number) - 1], entry.decode(), job.decode("utf-8", "replace"), body, said)

    async def news(self, behind: Mapping[str, str], seconds: float) -> None:
        """Waits until something came into one of the lanes, at the most so long."""
        await self._read({_lane(lane): entry for lane, entry in behind.items()}, b"job", seconds)

    async def say(
        self, worker: str, claimed: Claimed, body: bytes, signature: str, *, content: bool, last: bool
    ) -> Literal["ok", "full", "gone"]:
        """Adds a part to an answer. `full`: its reader is too far behind. `gone`: nobody waits for it, or another has it."""
        keys = [_job(claimed.job), _answer(claimed.job), _lane(claimed.lane)]
        flags = ("1" if content else "", "1" if last else "")
        (word,) = await self._run("say", keys, worker, claimed.entry, body, signature, UNREAD_PARTS, *flags)
        return cast('Literal["ok", "full", "gone"]', word.decode())

    async def drop(self, worker: str, claimed: Claimed) -> None:
        """It is not run."""
        await self._run("drop", [_job(claimed.job), _lane(claimed.lane)], worker, claimed.entry)

    async def mail(self, worker: str, after: str, seconds: float) -> list[Entry]:
        """Words to a worker: the id of a request that nobody waits for any more, or what an operator wants."""
        return await self._read({f"fleet:mail:{worker}": after}, b"about", seconds)

    async def tell(self, worker: str, word: str, signature: str) -> None:
        """An operator's word to a worker."""
        stream = f"{self._redis.prefix}fleet:mail:{worker}"
        fields = ("about", word, "signature", signature)
        await self._redis.command("XADD", stream, "MAXLEN", "~", 256, "*", *fields, seconds=ANSWER_SECONDS)
        await self._redis.command("PEXPIRE", stream, 60_000, seconds=ANSWER_SECONDS)

    async def end(self, worker: str, lanes: Sequence[str]) -> None:
        """A worker has left."""
        await self._run("end", ["fleet:workers", "fleet:about", f"fleet:mail:{worker}", *map(_lane, lanes)], worker)

    # -- how --------------------------------------------------------------------------------------------------------------------

    async def _run(self, name: str, keys: Sequence[str], *arguments: str | bytes | int) -> list[Any]:
        return await self._redis.evaluate(script(name), keys, arguments, ANSWER_SECONDS)

    async def _read(self, behind: Mapping[str, str], field: bytes, seconds: float) -> list[Entry]:
        keys = [self._redis.prefix + key for key in behind]
        block = max(1, round(seconds * 1_000))
        asked: tuple[str | int, ...] = ("XREAD", "COUNT", UNREAD_PARTS, "BLOCK", block, "STREAMS", *keys, *behind.values())
        found = await self._redis.command(*asked, seconds=seconds + ANSWER_SECONDS)
        return [_entry(number, fields, field) for _, entries in found or () for number, fields in entries]


def _entry(number: bytes, fields: Any, field: bytes) -> Entry:
    # redis-py makes a mapping of the fields in most cases, and a flat list of them in some.
    said = fields if isinstance(fields, Mapping) else dict(zip(fields[::2], fields[1::2], strict=True))
    return Entry(number.decode(), bytes(said.get(field, b"")), bytes(said.get(b"signature", b"")).decode("ascii", "replace"))


def _lane(lane: str) -> str:
    return f"fleet:lane:{lane}"


def _job(job: str) -> str:
    return f"fleet:job:{job}"


def _answer(job: str) -> str:
    return f"fleet:answer:{job}"
