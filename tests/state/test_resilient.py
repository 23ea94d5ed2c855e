"""The store fails, at its opening or later; the run does not notice, and nothing of its record is lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.budget import Account, Claim, Over, Reservation
from llmesc.escalation.circuits import Admission, Refusal
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.state.process import Process, this_process
from llmesc.state.resilient import RETRY_SECONDS, ResilientStore
from llmesc.state.spool import ABANDONED_SECONDS, Spool
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import RunFilter, StateUnavailable, Store

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")


class World:
    """A resilient store over a SQLite file that the test takes away and gives back."""

    def __init__(self, kit: Any) -> None:
        self.kit = kit
        self.folder: Path = kit.folder.with_name("spool")
        self.warnings: list[str] = []
        self.opened: list[SqliteStore] = []
        self.busy_seconds = 0.0
        self.store = self.over(self._open)

    def over(self, open_store: Callable[[], Awaitable[Store]]) -> ResilientStore:
        return ResilientStore(
            open_store,
            fallback=self.kit.memory(),
            spool=Spool(self.folder, self.kit.clock),
            clock=self.kit.clock,
            warn=self.warnings.append,
            patience_seconds=30.0,
        )

    async def _open(self) -> SqliteStore:
        self.opened.append(await self.kit.open(busy_seconds=self.busy_seconds))
        return self.opened[-1]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Somebody else locks the file: it can be read at most."""
        self.kit.folder.mkdir(exist_ok=True)
        other = sqlite3.connect(self.kit.path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
        other.close()

    def wait(self) -> None:
        """As long as the store is left alone after it failed."""
        self.kit.clock.seconds += RETRY_SECONDS

    def spooled(self) -> list[Path]:
        return sorted(self.folder.glob("*")) if self.folder.exists() else []

    async def recorded(self) -> Mapping[str, list[int]]:
        """The seqs of every run in the file."""
        reader = await self.kit.open()
        runs = [run.run_id for run in await reader.runs(RunFilter())]
        seqs = {run_id: [event.seq for event in await reader.events(run_id)] for run_id in runs}
        await reader.aclose()
        return seqs


@pytest.fixture
async def world(kit: Any) -> Any:
    world = World(kit)
    yield world
    await world.store.aclose()


async def test_while_the_store_is_there_everything_goes_to_it(world: World) -> None:
    await world.store.signal(KEY, world.kit.failed(trip=True))
    await world.store.deny(world.kit.denial("lab/qwen"))
    await world.store.append(world.kit.answered())

    reader = await world.kit.open()
    assert list(await reader.circuits()) == [KEY]
    assert len(await reader.denials()) == 1
    assert await world.recorded() == {"7f3a": [0, 1, 2, 3, 4]}
    assert (world.warnings, world.spooled()) == ([], [])
    await reader.aclose()


async def test_a_store_that_cannot_be_opened_costs_one_warning_and_nothing_else(world: World) -> None:
    world.kit.folder.mkdir()
    world.kit.path.write_text("this is no database, and long enough to be sure of it")

    for _ in range(3):
        await world.store.signal(KEY, world.kit.failed())
    assert isinstance(await world.store.admit(KEY), Refusal)
    await world.store.deny(world.kit.denial("lab/qwen"))
    assert len(await world.store.denials()) == 1
    await world.store.append(world.kit.answered())

    assert len(world.warnings) == 1
    assert "state.db: damaged" in world.warnings[0]
    assert world.store.lost_events == 0
    assert len(world.spooled()) == 1


async def test_circuits_and_denials_known_before_hold_while_it_is_away(world: World) -> None:
    await world.store.signal(KEY, world.kit.failed(trip=True))
    await world.store.deny(world.kit.denial("lab/qwen"))
    await world.store.circuits([KEY])
    await world.store.denials()
    with world.away():
        await world.store.append(world.kit.answered())

        assert isinstance(await world.store.admit(KEY), Refusal)
        assert [denial.key.model for denial in await world.store.denials()] == ["qwen"]
    assert len(world.warnings) == 1


def claim(run_id: str, dollars: str) -> Claim:
    """On a budget of a dollar a day."""
    limits = {Account("all", "day"): Decimal(1)}
    return Claim(run_id=run_id, attempt=1, dollars=Decimal(dollars), limits=limits, lease_seconds=60.0)


async def test_budgets_go_on_in_this_process_while_it_is_away_from_what_was_known_before(world: World) -> None:
    today = Account("all", "day")
    assert isinstance(await world.store.reserve(claim("before", "0.30")), Reservation)
    assert (await world.store.spending([today]))[today].total == Decimal("0.30")
    with world.away():
        await world.store.append(world.kit.answered())

        here = await world.store.reserve(claim("here", "0.60"))
        assert isinstance(here, Reservation)
        assert isinstance(await world.store.reserve(claim("too-much", "0.20")), Over)
        story = world.kit.story("here").start().attempt().end_attempt(cost=Decimal("0.10"))
        events = [replace(event, reserved=here) if event.type == "attempt_started" else event for event in story.events]
        await world.store.append(events)
        assert isinstance(await world.store.reserve(claim("fits", "0.20")), Reservation), "it was settled here"
    assert world.warnings[1:] == ["while the state is away, each process holds the budgets for itself alone"]

    world.kit.clock.seconds += RETRY_SECONDS
    spent = (await world.store.spending([today]))[today]

    assert (spent.settled, spent.reserved) == (Decimal("0.10"), Decimal("0.30")), "what lay spooled is settled in the store"


async def test_retry_budget_and_latencies_go_on_in_this_process_while_it_is_away(world: World) -> None:
    await world.store.retry_tokens("default", -50.0, RetryPolicy())
    with world.away():
        await world.store.append(world.kit.answered())

        assert await world.store.retry_tokens("default", -1.0, RetryPolicy()) == 99
        assert await world.store.latencies([ModelKey("lab", "default", "qwen")]) == {}
    assert len(world.warnings) == 1


async def test_what_was_spooled_is_delivered_in_order_before_anything_newer(world: World) -> None:
    story = world.kit.story().start().attempt().text().end_attempt().finish()
    await world.store.append(story.events[:1])
    with world.away():
        await world.store.append(story.events[1:2])
        await world.store.append(story.events[2:4])
    await world.store.append(story.events[4:])
    assert await world.recorded() == {"7f3a": [0]}, "it is left alone for a while"

    world.wait()
    await world.store.append(world.kit.answered("next"))

    assert await world.recorded() == {"7f3a": [0, 1, 2, 3, 4], "next": [0, 1, 2, 3, 4]}
    assert world.spooled() == []
    assert len(world.warnings) == 1


async def test_runs_that_lose_it_at_the_same_time_go_on_each_and_one_of_them_says_so(world: World) -> None:
    world.busy_seconds = 0.01
    await world.store.circuits()
    with world.away():
        runs = [world.kit.answered(f"run-{number}") for number in range(4)]
        await asyncio.gather(*(world.store.append(events) for events in runs), world.store.signal(KEY, world.kit.failed()))

    assert len(world.warnings) == 1
    assert "locked" in world.warnings[0]
    world.wait()
    await world.store.circuits()
    assert sorted(await world.recorded()) == ["run-0", "run-1", "run-2", "run-3"]


async def test_it_is_tried_again_only_after_a_pause_and_not_believed_before_it_can_be_written(world: World) -> None:
    await world.store.circuits()
    with world.away():
        await world.store.signal(KEY, world.kit.failed())
        for _ in range(10):
            await world.store.circuits()
            await world.store.admit(KEY)
        assert len(world.opened) == 1

        world.wait()
        await world.store.circuits()
        assert len(world.opened) == 2, "it was tried, and could be read"
        with pytest.raises(StateUnavailable):
            await world.store.direct()
    world.wait()
    await world.store.direct()


async def test_what_memory_learned_in_one_outage_holds_in_the_next(world: World) -> None:
    await world.store.signal(KEY, world.kit.failed())
    await world.store.circuits([KEY])
    with world.away():
        await world.store.signal(KEY, world.kit.failed(trip=True, retry_after_seconds=600.0))
    world.wait()
    assert isinstance(await world.store.admit(KEY), Admission), "the file knows nothing of it"
    await world.store.circuits([KEY])
    with world.away():
        await world.store.append(world.kit.answered())
        assert isinstance(await world.store.admit(KEY), Refusal)


async def test_what_the_store_learned_since_outweighs_what_memory_learned(world: World) -> None:
    with world.away():
        await world.store.signal(KEY, world.kit.failed(trip=True, retry_after_seconds=600.0))
    world.wait()
    await world.store.signal(KEY, world.kit.succeeded())
    await world.store.circuits([KEY])
    with world.away():
        await world.store.append(world.kit.answered())
        assert isinstance(await world.store.admit(KEY), Admission)


async def test_an_operator_hears_that_it_is_away_and_why(world: World) -> None:
    store = await world.store.direct()
    await store.signal(KEY, world.kit.failed())
    with world.away():
        await world.store.append(world.kit.answered())
        with pytest.raises(StateUnavailable, match="locked"):
            await world.store.direct()
    world.wait()
    assert [run.run_id for run in await (await world.store.direct()).runs(RunFilter())] == ["7f3a"]


async def test_when_not_even_the_spool_can_be_written_it_says_so_once_and_counts(world: World) -> None:
    world.folder.write_text("a file where the folder should be")
    await world.store.circuits()
    with world.away():
        await world.store.append(world.kit.answered("one"))
        await world.store.append(world.kit.answered("two"))

    assert len(world.warnings) == 2
    assert "lost" in world.warnings[1]
    assert str(world.folder) in world.warnings[1]
    assert world.store.lost_events == 10


class TestSpoolOfOthers:
    """Whoever has the store delivers what dead processes left behind."""

    @staticmethod
    def leave(world: World, name: str, *events: Any) -> Path:
        """A spool file under the name of another process."""
        spool = Spool(world.folder, world.kit.clock)
        for batch in events:
            spool.write(batch)
        (written,) = [path for path in world.spooled() if path.name.startswith(f"{this_process().host}.{os.getpid()}.")]
        return written.rename(world.folder / name)

    @pytest.fixture
    def dead(self) -> str:
        return f"{this_process().host}.{2**22 + 1}.7.000000.jsonl"

    async def test_at_its_first_opening_and_the_files_are_gone_then(self, world: World, dead: str) -> None:
        events = world.kit.answered()
        self.leave(world, dead, events[:2], events[2:])

        await world.store.circuits()

        assert await world.recorded() == {"7f3a": [0, 1, 2, 3, 4]}
        assert world.spooled() == []

    async def test_a_run_that_its_process_never_ended_is_interrupted(self, world: World, dead: str) -> None:
        caller = {"host": this_process().host, "pid": str(2**22 + 1)}
        self.leave(world, dead, world.kit.story().start(caller=caller).attempt().events)

        store = await world.store.direct()

        assert [run.outcome for run in await store.runs(RunFilter())] == ["interrupted"]

    @pytest.mark.parametrize("name", ["{host}.1.0.000000.jsonl", "elsewhere.7.7.000000.jsonl", "notes.jsonl", "a.b.c.d.jsonl"])
    async def test_those_of_the_living_and_of_strangers_are_left_alone(self, world: World, name: str) -> None:
        path = self.leave(world, name.format(host=this_process().host), world.kit.answered())
        world.kit.clock.seconds = path.stat().st_mtime

        await world.store.circuits()

        assert world.spooled() == [path]

    async def test_one_of_another_host_is_taken_after_a_day_of_silence(self, world: World) -> None:
        path = self.leave(world, "elsewhere.7.7.000000.jsonl", world.kit.answered())
        world.kit.clock.seconds = path.stat().st_mtime + ABANDONED_SECONDS + 1

        await world.store.circuits()

        assert await world.recorded() == {"7f3a": [0, 1, 2, 3, 4]}

    @pytest.mark.parametrize("rubbish", [b'[{"type": "run_st', b"\xff\xfe\n", b"17\n", b'[{"type": "of tomorrow"}]\n'])
    async def test_a_line_that_was_cut_short_costs_only_itself(self, world: World, dead: str, rubbish: bytes) -> None:
        path = self.leave(world, dead, world.kit.answered())
        path.write_bytes(path.read_bytes() + rubbish)

        await world.store.circuits()

        assert await world.recorded() == {"7f3a": [0, 1, 2, 3, 4]}
        assert (world.spooled(), world.warnings) == ([], [])

    async def test_a_delivery_that_breaks_off_is_repeated_and_doubles_nothing(self, world: World, dead: str) -> None:
        first, second = world.kit.answered("one"), world.kit.answered("two")
        self.leave(world, dead, first, second)
        appended = 0

        async def breaks_off() -> Any:
            store = await world.kit.open()
            whole = store.append

            async def append(events: Any) -> None:
                nonlocal appended
                appended += 1
                if appended == 2:
                    raise StateUnavailable("the disk is full")
                await whole(events)

            store.append = append
            return store

        await world.over(breaks_off).circuits()
        assert await world.recorded() == {"one": [0, 1, 2, 3, 4]}
        assert len(world.spooled()) == 1

        await world.store.circuits()

        assert await world.recorded() == {"one": [0, 1, 2, 3, 4], "two": [0, 1, 2, 3, 4]}
        assert world.spooled() == []


class TestSpool:
    def test_only_its_owner_may_read_it(self, kit: Any) -> None:
        spool = Spool(kit.folder, kit.clock)
        spool.write(kit.answered())

        (path,) = kit.folder.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(kit.folder.stat().st_mode) == 0o700

    def test_two_that_take_at_the_same_time_never_get_the_same_file(self, kit: Any) -> None:
        one, two = Spool(kit.folder, kit.clock), Spool(kit.folder, kit.clock)
        two._process = Process(this_process().host, 1, None)  # another process that lives
        one.write(kit.answered())
        (left,) = kit.folder.iterdir()
        left.rename(kit.folder / f"{this_process().host}.{2**22 + 1}.7.000000.jsonl")

        assert (len(one.take()), len(two.take())) == (1, 0)

    def test_what_was_not_delivered_stays_before_what_is_written_later(self, kit: Any) -> None:
        spool = Spool(kit.folder, kit.clock)
        for name in ("one", "two", "three"):
            spool.write(kit.answered(name))
            spool.take()

        assert [events[0].run_id for path in spool.take() for events in spool.read(path)] == ["one", "two", "three"]

    def test_a_full_disk_leaves_no_half_line(self, kit: Any, small_files: Callable[[int], Any]) -> None:
        spool = Spool(kit.folder, kit.clock)
        spool.write(kit.answered("one"))
        (path,) = kit.folder.iterdir()
        before = path.read_bytes()

        with small_files(len(before) + 100), pytest.raises(OSError, match="No space left"):
            spool.write(kit.answered("two"))

        assert path.read_bytes() == before
        spool.write(kit.answered("three"))
        assert [events[0].run_id for events in spool.read(path)] == ["one", "three"]


@pytest.fixture
def small_files() -> Callable[[int], Any]:
    """Files of this process may grow so far and no further, as if the disk were full."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


class TestPatience:
    """Coming back may take long, with much that was spooled to be delivered: a run does not wait for it, an operator does."""

    async def held(self, world: World) -> tuple[ResilientStore, asyncio.Event]:
        """A store that was away, and takes until the event to come back."""
        go, tries = asyncio.Event(), 0

        async def open_slowly() -> Store:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise StateUnavailable("not there")
            await go.wait()
            return await world.kit.open()

        store = ResilientStore(
            open_slowly,
            fallback=world.kit.memory(),
            spool=Spool(world.folder, world.kit.clock),
            clock=world.kit.clock,
            warn=world.warnings.append,
            patience_seconds=0.0,
        )
        await store.denials()
        world.wait()
        return store, go

    async def test_a_run_goes_on_in_memory_meanwhile_and_its_record_follows(self, kit: Any) -> None:
        world = World(kit)
        store, go = await self.held(world)

        await store.append(kit.answered())
        assert isinstance(await store.admit(KEY), Admission)
        assert len(world.spooled()) == 1
        go.set()

        assert [run.run_id for run in await (await store.direct()).runs(RunFilter())] == ["7f3a"]
        assert (world.spooled(), world.warnings) == ([], ["going on without the state: not there"])
        await store.aclose()

    async def test_all_operators_wait_for_the_one_opening(self, kit: Any) -> None:
        store, go = await self.held(World(kit))
        waiting = [asyncio.create_task(store.direct()) for _ in range(3)]
        await asyncio.sleep(0)
        go.set()

        assert len({id(each) for each in await asyncio.gather(*waiting)}) == 1
        await store.aclose()

    async def test_runs_that_begin_at_once_wait_for_the_first_opening_and_none_goes_without(self, kit: Any) -> None:
        world = World(kit)

        async def open_slowly() -> Store:
            await asyncio.sleep(0.01)
            return await world.kit.open()

        store = world.over(open_slowly)

        await asyncio.gather(*(store.append(kit.answered(name)) for name in "abc"))

        assert world.spooled() == []
        assert sorted(await world.recorded()) == ["a", "b", "c"]
        await store.aclose()

    async def test_closing_does_not_wait_for_it(self, kit: Any) -> None:
        store, _ = await self.held(World(kit))
        await store.admit(KEY)

        await store.aclose()
