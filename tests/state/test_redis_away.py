"""A Redis that is killed, paused, filled and brought back, with runs going on: the answer comes first, and no record is lost or
doubled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from llmesc.escalation.circuits import Admission, Refusal
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.retry_budget import FAILED, RetryPolicy
from llmesc.state.resilient import RETRY_SECONDS, ResilientStore
from llmesc.state.spool import Spool
from llmesc.state.store import RunFilter, StateUnavailable
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")
EVERYTHING = RunFilter()


@dataclass
class Here:
    """One process's view of the state, and what it was warned of."""

    store: ResilientStore
    spool: Spool
    kit: Any
    warnings: list[str] = field(default_factory=list)

    @property
    def spooled(self) -> int:
        return len(list(self.spool.directory.glob("*.jsonl")))

    async def later(self) -> None:
        """When the store is tried again."""
        self.kit.clock.seconds += RETRY_SECONDS
        await self.store.denials()


@pytest.fixture
async def here(kit: Any) -> AsyncIterator[Callable[[str], Here]]:
    made: list[Here] = []

    def make(url: str) -> Here:
        spool, warnings = Spool(kit.folder / "spool", kit.clock), list[str]()
        patient = {"clock": kit.clock, "warn": warnings.append, "patience_seconds": 30.0}
        store = ResilientStore(lambda: kit.redis(url), fallback=kit.memory(), spool=spool, **patient)
        made.append(Here(store, spool, kit, warnings))
        return made[-1]

    yield make
    for each in made:
        await each.store.aclose()


def brief(server: RedisServer) -> str:
    """With the time-out that users have, for what will not be answered anyway."""
    return f"redis://127.0.0.1:{server.port}/0?timeout=50ms"


async def test_killed_in_mid_run_and_started_again_every_record_is_there_once(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with("--appendonly", "yes", "--appendfsync", "always")
    mine = here(server.url)
    first, second = kit.story("first").start().attempt(), kit.story("second").start().attempt()
    await mine.store.append(first.events[:2])

    server.kill()
    await mine.store.append(first.text().end_attempt().finish().events[2:])
    await mine.store.append(second.events[:2])
    assert mine.spooled == 1
    assert mine.warnings == [
        f"going on without the state: redis://127.0.0.1:{server.port}/0 is not there: the connection is refused"
    ]
    server.start()
    await mine.later()
    await mine.store.append(second.text().end_attempt().finish().events[2:])

    assert mine.spooled == 0
    store = await mine.store.direct()
    for story in (first, second):
        assert list(await store.events(story.run_id)) == story.events
    assert [(run.run_id, run.outcome) for run in await store.runs(EVERYTHING)] == [("second", "answered"), ("first", "answered")]
    assert (await store.totals(first.events[0].at)).requests == 2


async def test_what_it_did_take_before_it_fell_silent_is_not_taken_again(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    mine = here(brief(server))
    story = kit.story().start().attempt()
    await mine.store.append(story.events)

    server.pause()
    await mine.store.append(story.end_attempt().finish().events[2:])  # waits in the server's buffer, and in the spool
    assert mine.spooled == 1
    assert "does not answer within 50 ms" in mine.warnings[0]
    server.resume()
    patient = await kit.redis(server.url)
    await patient.append(kit.answered("another"))
    assert [run.outcome for run in await patient.runs(EVERYTHING)] == ["answered", "answered"], "it was in the buffer"
    while mine.spooled:
        await mine.later()

    assert list(await patient.events("7f3a")) == story.events
    totals = await patient.totals(story.events[0].at)
    assert (totals.requests, totals.answered, totals.input_tokens) == (2, 2, 24)
    assert len((await patient.latencies([story.events[1].resolution.model_key]))[story.events[1].resolution.model_key]) == 2
    await patient.aclose()


async def test_while_it_is_silent_circuits_go_on_from_what_was_known(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    mine = here(server.url)
    await mine.store.signal(KEY, kit.failed(trip=True))
    await mine.store.deny(kit.denial("lab/qwen"))
    await mine.store.circuits([KEY])
    await mine.store.denials()

    server.kill()

    refused = await mine.store.admit(KEY)
    assert isinstance(refused, Refusal)
    assert refused.reason == "circuit_open"
    assert [denial.key.model for denial in await mine.store.denials()] == ["qwen"]
    assert isinstance(await mine.store.admit(CircuitKey("openai", "team-b")), Admission)
    assert await mine.store.retry_tokens("default", FAILED, RetryPolicy()) == 99
    with pytest.raises(StateUnavailable, match="the connection is refused"):
        await mine.store.direct()


async def test_a_host_that_cannot_even_open_it_answers_all_the_same(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    server.pause()
    mine = here(brief(server))

    async with asyncio.timeout(30):
        assert isinstance(await mine.store.admit(KEY), Admission)
        await mine.store.append(kit.answered())

    assert mine.spooled == 1
    assert "does not answer within 200 ms" in mine.warnings[0]


async def test_who_gives_up_waiting_leaves_no_answer_to_the_next(kit: Any, redis_with: Callable[..., RedisServer]) -> None:
    server = redis_with()
    store = await kit.redis(server.url)
    keys = [CircuitKey("lab", f"gpu{number}") for number in range(20)]
    for number, key in enumerate(keys):
        for _ in range(number % 3):
            await store.signal(key, kit.failed())

    server.pause()
    asking = [asyncio.create_task(store.circuits([key])) for key in keys]
    await asyncio.sleep(0.05)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    server.resume()

    counts = await asyncio.gather(*(kit.circuit(store, key) for key in keys))
    assert [len(circuit.failures) for circuit in counts] == [number % 3 for number in range(20)]
    await store.aclose()


async def test_more_that_ask_at_once_than_there_are_connections_all_give_up_in_time(
    kit: Any, redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    store = await kit.redis(brief(server))
    server.pause()

    async with asyncio.timeout(30):
        told = await asyncio.gather(*(store.circuits([KEY]) for _ in range(100)), return_exceptions=True)

    assert {type(each) for each in told} == {StateUnavailable}
    server.resume()
    await store.aclose()
    patient = await kit.redis(server.url)
    assert len(await asyncio.gather(*(patient.circuits([KEY]) for _ in range(100)))) == 100
    await patient.aclose()


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_many_runs_of_one_process_lose_it_in_the_midst_and_no_record(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer], how: str
) -> None:
    server = redis_with("--appendonly", "yes", "--appendfsync", "always")
    mine = here(f"redis://127.0.0.1:{server.port}/0?timeout=300ms")
    stories = [kit.story(f"run-{number}").start().attempt() for number in range(40)]
    begun = 0

    async def record(story: Any) -> None:
        nonlocal begun
        await mine.store.admit(KEY)
        await mine.store.append(story.events[:2])
        begun += 1
        if begun == 20:
            server.kill() if how == "kill" else server.pause()
        for _ in range(5):
            await mine.store.append(story.text().events[-1:])
            await mine.store.signal(KEY, kit.succeeded())
        story.end_attempt().finish()
        await mine.store.append(story.events[-2:])

    async with asyncio.timeout(60):
        await asyncio.gather(*map(record, stories))
    assert len(mine.warnings) == 1
    server.start() if how == "kill" else server.resume()
    while mine.spooled:
        await mine.later()

    store = await kit.redis(server.url)
    for story in stories:
        assert list(await store.events(story.run_id)) == story.events
    assert len(await store.runs(RunFilter(outcome="answered", limit=1_000))) == 40
    assert (await store.totals(stories[0].events[0].at)).answered == 40
    assert mine.store.lost_events == 0
    await store.aclose()


async def test_full_it_is_away_until_there_is_room(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    mine = here(server.url)
    await mine.store.append(kit.answered("before"))
    server.ask("CONFIG", "SET", "maxmemory", "100kb")

    await mine.store.append(kit.answered("meanwhile"))
    await mine.later()  # it can be read, but not written: still away
    assert mine.spooled == 1
    (warning,) = mine.warnings
    assert warning.endswith(f":{server.port}/0 is full: raise maxmemory, or keep less (?keep=, ?keep_runs=)")
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await mine.later()

    assert mine.spooled == 0
    found = await (await mine.store.direct()).runs(EVERYTHING)
    assert {run.run_id for run in found} == {"before", "meanwhile"}


async def test_connections_that_the_server_closed_meanwhile_are_opened_again_without_a_word(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    server = redis_with()
    mine = here(server.url)
    await mine.store.append(kit.answered("one"))

    server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await mine.store.append(kit.answered("two"))

    assert mine.warnings == []
    assert len(await (await mine.store.direct()).runs(EVERYTHING)) == 2


async def test_started_anew_and_empty_it_is_used_as_it_is(
    kit: Any, here: Callable[[str], Here], redis_with: Callable[..., RedisServer]
) -> None:
    """It has lost what it was told, the scripts too; what this process remembers of it must not be taken for what is there."""
    server = redis_with()
    mine = here(server.url)
    await mine.store.signal(KEY, kit.failed())
    await mine.store.signal(KEY, kit.failed())

    server.kill()
    server.start()
    for _ in range(2):
        assert await mine.store.signal(KEY, kit.failed()) is None

    assert len((await kit.circuit(await mine.store.direct(), KEY)).failures) == 2
