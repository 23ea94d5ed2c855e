"""A store that is locked, stuck, gone or damaged: it is said in words, what was known stays, and no key waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.actions.looking import leave
from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.live_feed import LiveFeed
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.situation import Pane
from llmesc.dashboard.widgets.header import HeaderBar
from llmesc.engine import Engine
from llmesc.engine.clock import SystemClock
from tests.dashboard import scenes
from tests.dashboard.engines import opened

pytestmark = pytest.mark.anyio

CONFIG = """
[providers.up]
api = "simulated"
tier = "vllm"
models = [{ name = "m", script = [{ text = "Raft is a consensus algorithm: servers agree on one log of commands." }] }]
"""

READS = ("history", "run_events", "circuits", "denials", "totals", "activity", "usage")
WRITES = ("reset", "force", "deny", "allow")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@asynccontextmanager
async def watched(feed: Any, engine: Engine) -> AsyncIterator[tuple[Pilot[Any], MainScreen]]:
    app = Dashboard(feed, now=SystemClock().now, engine=engine, settings=Settings(who="ann@web1"), frame_seconds=None)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        main = app.main_screen
        assert main is not None
        yield pilot, main


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Really, by another connection, which neither readers nor writers pass: with a journal of the older kind."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


async def until(true: Callable[[], bool]) -> None:
    """The test's own time limit is what ends a wait in vain."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def header(main: MainScreen) -> str:
    main.frame()
    return str(main.query_one(HeaderBar).render())


class Pending:
    """Counts the reads of an engine that have begun and not ended."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: set[object] = set()
        for name in READS:
            monkeypatch.setattr(engine.operations, name, self._counted(getattr(engine.operations, name)))

    def _counted(self, read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any) -> Any:
            token = object()
            self.now.add(token)
            try:
                return await read(*args)
            finally:
                self.now.discard(token)

        return counted


async def test_keys_are_handled_while_a_read_of_the_locked_database_is_pending(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database, CONFIG) as engine:
        for _ in range(3):
            await engine.ask("What is Raft?")
    with closing(sqlite3.connect(database)) as older:
        assert older.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)

    async with opened(database, CONFIG) as engine:
        pending = Pending(engine, monkeypatch)
        feed = LiveFeed(engine, SystemClock().now)
        async with watched(feed, engine) as (pilot, main):
            await until(lambda: len(feed.board(scenes.NOW).runs) == 3)
            main.frame()
            with locked(database):
                handled = 0
                while not handled:  # the read that began before the key has to go on behind it
                    await until(lambda: bool(pending.now))
                    before, paused = set(pending.now), main.paused
                    await pilot.press("space")
                    handled += main.paused is not paused and bool(before & pending.now)
                await until(lambda: feed.board(scenes.NOW).store.away_since is not None)
                if main.paused:
                    await pilot.press("space")
                assert "away for" in header(main) and "locked by another process" in header(main)
                assert len(main.situation.board.runs) == 3, "what was known stays"
            await until(lambda: feed.board(scenes.NOW).store.away_since is None)
            assert "away" not in header(main)


@pytest.mark.parametrize("pane", [None, "requests", "attempts", "answer", "circuits", "events"])
async def test_no_key_waits_for_a_store_that_never_answers(
    database: Path, monkeypatch: pytest.MonkeyPatch, pane: Pane | None
) -> None:
    """By construction: everything that is asked of the store from then on is pending for ever, and yet the next keys act."""

    monkeypatch.setenv("VISUAL", "true")

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    async with opened(database, CONFIG) as engine:
        await engine.ask("What is Raft?")
        feed = scenes.Still(
            scenes.board(
                scenes.switched(),
                scenes.below_bar(),
                denials=scenes.denials(),
                circuits=tuple(await engine.operations.circuits()),
            )
        )
        for name in (*READS, *WRITES):
            monkeypatch.setattr(engine.operations, name, never)
        async with watched(feed, engine) as (pilot, main):
            monkeypatch.setattr(feed, "events", never)
            monkeypatch.setattr(feed, "trends", never, raising=False)
            monkeypatch.setattr(feed, "fleet", never, raising=False)
            monkeypatch.setattr(main.app, "suspend", _no_terminal)
            for command in COMMANDS:
                if command.pane != pane or command.act is leave:
                    continue
                main.focus_pane(pane or "requests")
                for key in (command.key.split(",")[0], "enter", "escape", "escape"):
                    await pilot.press(key)
                while pilot.app.screen is not main:
                    pilot.app.pop_screen()
                    await pilot.pause()
                main.focus_pane("requests")
                await pilot.press("2")
                assert main.situation.pane == "attempts", command.id


async def test_a_database_that_is_deleted_or_damaged_is_told_and_one_that_comes_back_is_taken(database: Path) -> None:
    async with opened(database, CONFIG) as engine:
        await engine.ask("What is Raft?")
        feed = LiveFeed(engine, SystemClock().now)
        async with watched(feed, engine) as (_, main):
            await until(lambda: len(feed.board(scenes.NOW).runs) == 1)
            aside = database.with_name("aside.db")
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
            for path in database.parent.glob("state.db*"):
                path.unlink()
            await until(lambda: "is gone" in header(main))
            assert len(main.situation.board.runs) == 1, "what was known stays"

            database.write_bytes(b"[escalation]\n" * 999)
            await until(lambda: "damaged" in header(main))

            aside.replace(database)
            await until(lambda: feed.board(scenes.NOW).store.away_since is None)
            assert "away" not in header(main)


@contextmanager
def _no_terminal() -> Iterator[None]:
    yield
