"""The live feed: own runs from their handles, those of others from the store, and a store that is away is told."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from llmesc.dashboard.board import Board
from llmesc.dashboard.live_feed import PAGE_RUNS, LiveFeed
from llmesc.engine import AskOptions, Engine, RunFilter, RunSummary, StateUnavailable
from llmesc.escalation.events import RunStarted
from llmesc.escalation.messages import ask_for
from llmesc.escalation.times import Timestamp
from tests.benchmarks import activity
from tests.dashboard import scenes
from tests.dashboard.engines import opened
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

CONFIG = """
[providers.down]
api = "simulated"
tier = "local"
models = [{ name = "m", script = [{ fail = "503" }] }]
[providers.up]
api = "simulated"
tier = "vllm"
models = [{ name = "m", script = [{ text = "Raft is a consensus algorithm: servers agree on one log of commands." }] }]
[providers.talks]
api = "simulated"
tier = "cloud"
models = [{ name = "m", script = [{ text = "one two three", tokens_per_second = 0.001 }] }]
[providers.slow]
api = "simulated"
tier = "cloud"
models = [{ name = "m", script = [{ text = "never", delay_seconds = 3600 }] }]
"""


def now() -> Timestamp:
    return Timestamp(time.time())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@asynccontextmanager
async def feeding(engine: Engine) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(engine, now)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(feed: LiveFeed, true: Callable[[Board], bool]) -> Board:
    """The first board of which it is true; the test's own time limit is what ends a wait in vain."""
    async with asyncio.timeout(20):
        while not true(board := feed.board(now())):
            await asyncio.sleep(0.01)
    return board


def unexpected_words(words: str) -> None:
    raise AssertionError(words)


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


async def test_a_run_of_another_process_is_listed_and_when_chosen_told_event_by_event(database: Path) -> None:
    async with opened(database, CONFIG) as other, opened(database, CONFIG) as engine, feeding(engine) as feed:
        reply = await other.ask("What is Raft?")
        feed.choose(reply.run_id)
        await until(feed, lambda board: reply.run_id in board.views and board.views[reply.run_id].outcome is not None)
        board = await until(feed, lambda board: [run.outcome for run in board.runs] == ["answered"])

    (listed,) = board.runs
    assert (listed.run_id, listed.outcome, listed.answered_by) == (reply.run_id, "answered", "up/m")
    view = board.views[reply.run_id]
    assert view.answer is not None and view.answer.text == reply.text
    assert [attempt.outcome for attempt in view.attempts] == ["error", "success"]
    assert "provider_switched" in {event.type for event in board.timelines[reply.run_id]}


async def test_a_run_of_another_process_is_followed_while_it_runs(database: Path) -> None:
    async with opened(database, CONFIG) as other, opened(database, CONFIG) as engine, feeding(engine) as feed:
        async with other.start("wait", AskOptions(model="slow/m")) as run:
            board = await until(feed, lambda board: bool(board.views.get(run.run_id) and board.views[run.run_id].attempts))
            assert [one.outcome for one in board.runs] == ["running"]
            assert run.run_id not in board.own
        await until(feed, lambda board: board.runs[0].outcome == "cancelled")


async def test_a_run_of_another_host_is_followed_word_by_word_on_redis(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis").start()
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    try:
        async with (
            Engine.open(config_file=file, state=server.url, on_warning=unexpected_words) as other,
            Engine.open(config_file=file, state=server.url, on_warning=unexpected_words) as engine,
            feeding(engine) as feed,
            other.start("talk", AskOptions(model="talks/m")) as run,
        ):
            board = await until(
                feed, lambda board: run.run_id in board.views and board.views[run.run_id].visible.startswith("one")
            )
            assert [one.outcome for one in board.runs] == ["running"]
            assert board.store.place == "redis"
    finally:
        server.stop()


async def test_a_run_whose_process_was_killed_is_interrupted_also_in_what_it_wrote(database: Path) -> None:
    begun = scenes.streaming()
    nobody = {"user": "ann", "host": os.uname().nodename, "pid": "4999999"}
    begun.events[0] = replace(cast(RunStarted, begun.events[0]), caller=nobody)
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        await engine._store.append(begun.events)
        feed.choose(begun.run_id)
        board = await until(feed, lambda board: bool(board.views.get(begun.run_id) and board.views[begun.run_id].interrupted))

    assert [run.outcome for run in board.runs] == ["interrupted"]
    assert board.views[begun.run_id].visible == scenes.RAFT[:260]


async def test_the_end_of_another_processs_run_is_read_though_the_list_knew_it_first(database: Path) -> None:
    async with opened(database, CONFIG) as other, opened(database, CONFIG) as engine:
        feed = LiveFeed(engine, now)
        async with other.start("wait", AskOptions(model="slow/m")) as run:
            async with asyncio.timeout(20):
                while not (view := feed.board(now()).views.get(run.run_id)) or not view.attempts:
                    await feed._read_list()
                    await feed._read_events()
                    await asyncio.sleep(0.01)
        await feed._read_list()
        assert [one.outcome for one in feed.board(now()).runs] == ["cancelled"]
        await feed._read_events()
        assert feed.board(now()).views[run.run_id].outcome == "cancelled"


async def test_an_own_run_is_there_at_once_can_be_cancelled_and_its_end_is_recorded(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        run_id = feed.start(ask_for("wait"), AskOptions(model="slow/m"), unexpected)
        await until(feed, lambda board: run_id in {*board.own} & {*board.views} and bool(board.views[run_id].attempts))
        assert feed.cancel(run_id)
        board = await until(feed, lambda board: run_id not in board.own and bool(board.runs))
        assert board.views[run_id].outcome == "cancelled"
        assert not feed.cancel(run_id), "it has ended"


async def test_own_runs_end_with_the_feed_and_are_recorded_as_cancelled(database: Path) -> None:
    async with opened(database, CONFIG) as engine:
        async with feeding(engine) as feed:
            run_id = feed.start(ask_for("wait"), AskOptions(model="slow/m"), unexpected)
            await until(feed, lambda board: run_id in board.views and bool(board.views[run_id].attempts))
        events = await engine.operations.run_events(run_id)

    assert events[-1].type == "run_finished"


async def test_what_keeps_a_run_from_beginning_is_told(database: Path) -> None:
    told: list[Exception] = []
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        feed.start(ask_for("hi"), AskOptions(chain="nobody"), told.append)
        await until(feed, lambda _: bool(told))

    assert "nobody" in str(told[0])


async def test_a_long_history_is_read_in_pages_between_which_keys_are_looked_at(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database, CONFIG) as engine:
        await engine.operations.circuits()  # which makes the file
        activity.fill(database, 2 * (3 * PAGE_RUNS + 7), time.time() - 60)
        asked = list[int]()
        history = engine.operations.history

        async def noted(where: RunFilter) -> Sequence[RunSummary]:
            asked.append(where.limit)
            return await history(where)

        monkeypatch.setattr(engine.operations, "history", noted)
        async with feeding(engine) as feed:
            board = await until(feed, lambda board: len(board.runs) == 3 * PAGE_RUNS + 7)

    assert max(asked) == PAGE_RUNS
    assert [run.started_at for run in board.runs] == sorted((run.started_at for run in board.runs), reverse=True)


async def test_what_ended_far_down_the_list_is_seen_to_have_ended(database: Path) -> None:
    async with opened(database, CONFIG) as other, opened(database, CONFIG) as engine, feeding(engine) as feed:
        async with other.start("wait", AskOptions(model="slow/m")) as run:
            await until(feed, lambda board: [one.outcome for one in board.runs] == ["running"])
            activity.fill(database, 2 * (PAGE_RUNS + 50), time.time() + 90 * 86_400)  # all of them begin later
            await until(feed, lambda board: len(board.runs) > PAGE_RUNS)
        board = await until(feed, lambda board: [one.outcome for one in board.runs if one.run_id == run.run_id] == ["cancelled"])

    assert board.runs[-1].run_id == run.run_id


async def test_circuits_and_totals_of_today_are_on_the_board(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        await engine.ask("What is Raft?")
        board = await until(feed, lambda board: board.today is not None and board.today.answered == 1 and bool(board.circuits))

    down = next(line for line in board.circuits if line.key.provider == "down")
    assert len(down.circuit.failures) == 1
    assert board.today is not None and board.today.requests == 1


async def test_while_another_process_holds_the_lock_reading_goes_on(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        await engine.ask("What is Raft?")
        locker = sqlite3.connect(database, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        try:
            board = await until(feed, lambda board: bool(board.runs) and bool(board.circuits))
            with pytest.raises(StateUnavailable, match="locked"):
                await engine.operations.reset([board.circuits[0].key], who="ann")
        finally:
            locker.execute("ROLLBACK")
            locker.close()
        assert feed.board(now()).store.away_since is None


async def test_a_store_that_is_away_is_told_and_what_was_known_stays_on_the_board(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        await engine.ask("What is Raft?")
        await until(feed, lambda board: bool(board.runs))
        await engine._store.aclose()
        await until(feed, lambda board: board.store.away_since is not None)
        # Whoever has nothing to ask (no run to follow) has no news of the store either: every reader comes round meanwhile.
        seen = set[bool]()
        for _ in range(60):
            await asyncio.sleep(0.01)
            board = feed.board(now())
            seen.add(board.store.away_since is None)

    assert seen == {False}
    assert board.store.problem
    assert len(board.runs) == 1


async def test_a_board_of_which_nothing_changed_shares_its_parts(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        await engine.ask("What is Raft?")
        first = await until(feed, lambda board: bool(board.runs) and board.today is not None)
        version = feed.version
        second = feed.board(now())
        if feed.version == version:
            assert second.runs is first.runs


async def test_all_events_of_a_run_are_given_in_order(database: Path) -> None:
    async with opened(database, CONFIG) as engine, feeding(engine) as feed:
        reply = await engine.ask("What is Raft?")
        events = await feed.events(reply.run_id)

    assert [event.seq for event in events] == list(range(len(events)))
    assert events[-1].type == "run_finished"
