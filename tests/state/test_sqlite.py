"""The SQLite file itself: who may read it, whose it is, what it costs, and what happens when it cannot be used."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.circuits import Admission, Circuit, Overridden, Override
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Window
from llmesc.state.sqlite import SqliteStore
from llmesc.state.sqlite_database import SCHEMA_VERSION
from llmesc.state.sqlite_usage import DecimalSum
from llmesc.state.store import RunFilter, StateUnavailable
from llmesc.state.usage import UsageQuery

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")


def plain(path: Path) -> sqlite3.Connection:
    """The file as another program sees it."""
    return sqlite3.connect(path, isolation_level=None, timeout=0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestSharing:
    async def test_two_stores_on_one_file_agree(self, sqlite: SqliteStore, kit: Any) -> None:
        other = await kit.open()
        await sqlite.circuits()
        for store in (sqlite, other, sqlite):
            await store.signal(KEY, kit.failed())

        assert (await sqlite.circuits())[KEY] == (await other.circuits())[KEY]
        assert not isinstance(await other.admit(KEY), Admission)
        await other.aclose()

    async def test_a_circuit_is_read_back_exactly_as_it_was_written(self, sqlite: SqliteStore, kit: Any) -> None:
        kit.clock.seconds += 1 / 3
        override = Override(state="closed", who="ann", why="…", set_at=kit.clock.now(), until=Timestamp(kit.clock.seconds + 9))
        await sqlite.signal(KEY, kit.succeeded(latency_seconds=1 / 3))
        await sqlite.signal(KEY, kit.failed(latency_seconds=2 / 3))
        await sqlite.signal(KEY, kit.failed(retry_after_seconds=1e6))
        kit.clock.seconds += 1e5
        await sqlite.admit(KEY)
        await sqlite.signal(KEY, Overridden(override=override))
        written = (await sqlite.circuits())[KEY]
        reader = await kit.open()

        read = (await reader.circuits())[KEY]

        assert read.recent == written.recent
        assert rounded(read) == rounded(written)
        await reader.aclose()

    async def test_a_row_that_cannot_be_read_is_learned_anew_and_keeps_nobody_from_the_others(
        self, sqlite: SqliteStore, kit: Any
    ) -> None:
        await sqlite.signal(KEY, kit.failed())
        await sqlite.signal(CircuitKey("lab", "default"), kit.failed())
        await sqlite.deny(kit.denial("lab/qwen"))
        await sqlite.deny(kit.denial("lab/other"))
        with closing(plain(kit.path)) as connection:
            connection.execute("UPDATE circuits SET body = '{\"state\": \"ajar\"}', changed = 99 WHERE provider = 'openai'")
            connection.execute("UPDATE denials SET body = '{' WHERE model = 'other'")

        found = await sqlite.circuits()

        assert found[KEY] == Circuit()
        assert len(found[CircuitKey("lab", "default")].failures) == 1
        assert [denial.key.model for denial in await sqlite.denials()] == ["qwen"]
        assert await sqlite.admit(KEY) == Admission(key=KEY, generation=0)


def rounded(value: object) -> str:
    """Times are written to the microsecond."""
    import re

    return re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.5f}", repr(value))


class TestFile:
    async def test_only_its_owner_may_read_it_and_what_lies_beside_it(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.append(kit.answered())

        assert {path.name: mode(path) for path in kit.folder.iterdir()} == {
            "state.db": 0o600,
            "state.db-wal": 0o600,
            "state.db-shm": 0o600,
        }
        assert mode(kit.folder) == 0o700

    async def test_a_mode_that_was_loosened_is_taken_back(self, sqlite: SqliteStore, kit: Any) -> None:
        for path in kit.folder.iterdir():
            path.chmod(0o644)

        await (await kit.open()).aclose()

        assert {mode(path) for path in kit.folder.iterdir()} == {0o600}

    async def test_one_of_a_newer_version_is_refused_and_left_as_it_is(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.aclose()
        with closing(plain(kit.path)) as connection:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
        before = kit.path.read_bytes()

        with pytest.raises(StateUnavailable, match=rf"schema {SCHEMA_VERSION + 6}\); this one knows schema {SCHEMA_VERSION}"):
            await kit.open()

        assert kit.path.read_bytes() == before

    async def test_one_of_another_program_is_refused_and_left_as_it_is(self, kit: Any) -> None:
        kit.folder.mkdir()
        with closing(plain(kit.path)) as connection:
            connection.execute("CREATE TABLE bookmarks (url)")
        before = kit.path.read_bytes()

        with pytest.raises(StateUnavailable, match="another program"):
            await kit.open()

        assert kit.path.read_bytes() == before

    @pytest.mark.parametrize("content", [b"", None], ids=["empty file", "no file"])
    async def test_one_that_is_empty_or_missing_is_set_up(self, kit: Any, content: bytes | None) -> None:
        if content is not None:
            kit.folder.mkdir()
            kit.path.write_bytes(content)

        store = await kit.open()
        await store.append(kit.answered())
        assert len(await store.runs(RunFilter())) == 1
        await store.aclose()


class TestCost:
    """Counted, not timed."""

    async def test_asking_a_closed_circuit_writes_nothing(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.signal(KEY, kit.succeeded())
        with statements(sqlite) as seen:
            await sqlite.admit(KEY)

        assert len(seen) == 1
        assert seen[0].startswith("SELECT")

    async def test_a_thousand_unchanged_circuits_are_read_with_one_statement_and_decoded_once(
        self, sqlite: SqliteStore, kit: Any
    ) -> None:
        keys = [CircuitKey("lab", f"gpu{number}") for number in range(1_000)]
        for key in keys:
            await sqlite.signal(key, kit.failed(trip=True))
        reader = await kit.open()
        first = await reader.circuits(keys)
        with statements(reader) as seen:
            again = await reader.circuits(keys)

        assert len(seen) == 1
        assert all(again[key] is first[key] for key in keys)
        await reader.aclose()

    async def test_what_a_store_wrote_itself_it_does_not_read_back(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.signal(KEY, kit.failed())
        with closing(plain(kit.path)) as connection:
            connection.execute("UPDATE circuits SET body = '{'")

        assert len((await sqlite.circuits())[KEY].failures) == 1

    async def test_nothing_on_the_way_of_a_call_looks_at_more_rows_than_it_needs(self, sqlite: SqliteStore, kit: Any) -> None:
        story = kit.story().start().attempt().text().end_attempt().finish()
        with statements(sqlite) as seen:
            for event in story.events:
                await sqlite.append([event])
            await sqlite.signal(KEY, kit.failed(trip=True))
            kit.clock.seconds += 60
            await sqlite.admit(KEY)
            await sqlite.circuits([KEY])
            await sqlite.runs(RunFilter(provider="lab"))
            await sqlite.runs(RunFilter(outcome="answered"))
            await sqlite.runs(RunFilter(since=Timestamp(0)))
            await sqlite.find_runs("7f")
            await sqlite.activity(Window(Timestamp(0), 60.0, 60))
            await sqlite.usage(UsageQuery(since=Timestamp(0), until=kit.clock.now()))
            await sqlite.attempts("7f3a")
            await sqlite.events("7f3a")
            await sqlite.latencies([ModelKey("lab", "default", "qwen")])

        assert len(seen) > 20
        assert [plan for plan in plans(kit.path, seen) if "SCAN" in plan] == []

    async def test_calls_are_found_by_the_moment_they_began_and_their_use_by_that_of_their_run(
        self, sqlite: SqliteStore, kit: Any
    ) -> None:
        with statements(sqlite) as seen:
            await sqlite.activity(Window(Timestamp(0), 60.0, 60))
            await sqlite.usage(UsageQuery(since=Timestamp(0), until=kit.clock.now()))

        began, used, *_ = plans(kit.path, seen)
        assert "attempts_started (started_at>? AND started_at<?)" in began
        assert "PRIMARY KEY (run>? AND run<?)" in used

    async def test_the_newest_runs_of_a_provider_are_found_without_sorting(self, sqlite: SqliteStore, kit: Any) -> None:
        with statements(sqlite) as seen:
            await sqlite.runs(RunFilter(provider="lab"))
            await sqlite.runs(RunFilter(outcome="running"))
            await sqlite.runs(RunFilter())

        assert [plan for plan in plans(kit.path, seen) if "TEMP B-TREE" in plan] == []


@contextmanager
def statements(store: SqliteStore) -> Iterator[list[str]]:
    """What the store asks of SQLite meanwhile."""
    connection = store._database._open_connection()
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    yield seen
    connection.set_trace_callback(None)


def plans(path: Path, seen: list[str]) -> list[str]:
    with closing(plain(path)) as connection:
        connection.create_aggregate("decimal_sum", 1, DecimalSum)
        asked = (sql for sql in seen if sql.split()[0] in ("SELECT", "INSERT", "UPDATE"))
        return [str(row[3]) for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


class TestUnavailable:
    """Whatever is wrong with the file: one error, soon, that names it and says what to do."""

    @pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
    async def test_a_locked_file_is_given_up_on_and_the_loop_runs_on_meanwhile(
        self, sqlite: SqliteStore, kit: Any, lock: str
    ) -> None:
        store = await kit.open(busy_seconds=0.05)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        with closing(plain(kit.path)) as other:
            other.execute(lock)
            with pytest.raises(StateUnavailable, match=r"state\.db: locked by another process for longer than 0\.05 s"):
                await store.signal(KEY, kit.failed())
        ticking.cancel()

        assert ticks > 100
        await store.signal(KEY, kit.failed())
        assert len((await store.circuits())[KEY].failures) == 1
        await store.aclose()

    async def test_a_lock_that_is_given_back_in_time_costs_only_the_wait(self, sqlite: SqliteStore, kit: Any) -> None:
        with closing(plain(kit.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.ensure_future(sqlite.append(kit.answered()))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not waiting.done()
            other.execute("COMMIT")
            await waiting

        assert len(await sqlite.runs(RunFilter())) == 1

    async def test_a_locked_file_can_still_be_read(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.signal(KEY, kit.failed(trip=True))
        reader = await kit.open(busy_seconds=0.0)
        with closing(plain(kit.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert not isinstance(await reader.admit(KEY), Admission)
        await reader.aclose()

    async def test_a_file_that_is_gone_says_so_and_another_in_its_place_is_taken(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.append(kit.answered("old"))
        await sqlite.signal(KEY, kit.failed(trip=True))
        for path in kit.path.parent.glob("state.db*"):
            path.unlink()
        with pytest.raises(StateUnavailable, match=r"state\.db: is gone"):
            await sqlite.runs(RunFilter())
        assert not kit.path.exists(), "who only looks makes no new one"

        kit.path.write_bytes(b"[escalation]\n" * 999)
        with pytest.raises(StateUnavailable, match=r"state\.db: damaged"):
            await sqlite.runs(RunFilter())
        kit.path.unlink()

        other = await kit.open()
        await other.append(kit.answered("new"))
        await other.aclose()
        assert [run.run_id for run in await sqlite.runs(RunFilter())] == ["new"]
        assert await sqlite.circuits() == {}, "nothing of the old file is remembered"

    @pytest.mark.parametrize("damage", ["no database", "broken pages", "cut short"])
    async def test_a_damaged_file_says_what_to_do_and_is_not_touched(self, kit: Any, damage: str) -> None:
        store = await kit.open()
        for number in range(40):
            await store.append(kit.answered(f"run-{number}"))
        await store.aclose()
        whole = kit.path.read_bytes()
        broken = {
            "no database": b"[escalation]\n" * 999,
            "broken pages": whole[:4096] + b"\xff" * (len(whole) - 4096),
            "cut short": whole[: len(whole) // 2],
        }[damage]
        kit.path.write_bytes(broken)

        with pytest.raises(StateUnavailable, match=r"state\.db: damaged .*: mv .*state\.db .*state\.db\.damaged"):
            store = await kit.open()
            await store.append(kit.answered("next"))
            await store.runs(RunFilter(text="Raft"))
            for number in range(40):
                await store.events(f"run-{number}")
        await store.aclose()
        assert kit.path.read_bytes() == broken

    async def test_a_full_disk_says_so_loses_nothing_old_and_heals(self, sqlite: SqliteStore, kit: Any) -> None:
        await sqlite.append(kit.answered("old"))
        connection = sqlite._database._open_connection()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

        with pytest.raises(StateUnavailable, match="the disk or the quota is full"):
            await sqlite.append(kit.story("new").start("x" * 100_000).events)
        with pytest.raises(StateUnavailable, match="full"):
            await sqlite.check()
        assert [run.run_id for run in await sqlite.runs(RunFilter())] == ["old"]

        connection.execute("PRAGMA max_page_count = 1000000")
        await sqlite.append(kit.answered("new"))
        assert len(await sqlite.runs(RunFilter())) == 2

    async def test_a_folder_that_cannot_be_made_says_so(self, kit: Any) -> None:
        kit.folder.write_text("a file where the folder should be")

        with pytest.raises(StateUnavailable, match="cannot be made"):
            await kit.open()

    async def test_a_folder_in_the_place_of_the_file_says_so(self, kit: Any) -> None:
        kit.path.mkdir(parents=True)

        with pytest.raises(StateUnavailable, match="cannot be opened"):
            await kit.open()

    async def test_a_file_of_somebody_else_can_be_read_where_its_mode_allows_but_not_written(self, kit: Any) -> None:
        with readable_folder() as kit.folder:
            owner = await kit.open()
            await owner.signal(KEY, kit.failed(trip=True))
            for path in kit.folder.iterdir():
                path.chmod(0o444)
            with nobody():
                store = await kit.open()
                assert not isinstance(await store.admit(KEY), Admission)
                with pytest.raises(StateUnavailable, match="cannot be written; check its owner and mode"):
                    await store.append(kit.answered())
                with pytest.raises(StateUnavailable, match="cannot be written"):
                    await store.check()
                await store.aclose()
            await owner.aclose()

    async def test_what_is_asked_after_it_was_closed_says_so(self, kit: Any) -> None:
        store = await kit.open()
        await store.aclose()

        with pytest.raises(StateUnavailable, match="closed"):
            await store.circuits()


@contextmanager
def readable_folder() -> Iterator[Path]:
    """A folder that everybody may look into; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="llmesc-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nobody() -> Iterator[None]:
    """Without the superuser's right to write to what is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
