"""A run is on record once and whole, whoever else writes it, and whatever its writer remembers of it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmesc.escalation.events import Event
from llmesc.state.memory import MemoryStore
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import RunFilter, StateUnavailable
from llmesc.state.usage import UsageQuery
from tests.escalation.world import run_virtually

pytestmark = pytest.mark.anyio

EVERYTHING = RunFilter()
PARTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 1)), max_size=8)


def story(kit: Any, run_id: str = "7f3a") -> list[Event]:
    """Two attempts, and some text."""
    told = kit.story(run_id).start().attempt().fail().attempt("openai/gpt", 2).text(number=2).text(number=2)
    events: list[Event] = told.end_attempt("openai/gpt", 2).finish(ref="openai/gpt", attempts=2).events
    return events


async def tells_the_same(store: SqliteStore, memory: MemoryStore, kit: Any) -> None:
    """As one that remembers everything it was given, and has no doubt about its record."""
    assert list(await store.events("7f3a")) == list(await memory.events("7f3a"))
    assert list(await store.runs(EVERYTHING)) == list(await memory.runs(EVERYTHING))
    assert list(await store.attempts("7f3a")) == list(await memory.attempts("7f3a"))
    query = UsageQuery(since=kit.clock.now(), until=kit.clock.now() + 1)
    assert await store.usage(query) == await memory.usage(query)
    assert not (await store.verify()).problems


@given(parts=PARTS)
@example(parts=[(0, 2, 0), (5, 2, 0), (2, 3, 0), (5, 2, 0)])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_processes_that_write_the_same_run_in_any_pieces_double_nothing(
    kit: Any, tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, int]]
) -> None:
    events = story(kit)
    path = tmp_path_factory.mktemp("state") / "state.db"

    async def main(_loop: object) -> None:
        stores, memory = [await kit.open(path=path), await kit.open(path=path)], kit.memory()
        for start, length, whose in [*parts, (0, len(events), 0)]:
            for store in (stores[whose], memory):
                await store.append(events[start : start + length])
        for store in stores:
            await tells_the_same(store, memory, kit)
            await store.aclose()

    run_virtually(main)


async def test_what_was_not_written_is_not_remembered_as_written(kit: Any) -> None:
    store = await kit.open(busy_seconds=0.0)
    events = story(kit)
    await store.append(events[:2])
    with closing(sqlite3.connect(kit.path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnavailable, match="locked"):
            await store.append(events[2:5])
        other.execute("ROLLBACK")

    await store.append(events[2:5])
    await store.append(events[5:])

    memory = kit.memory()
    await memory.append(events)
    await tells_the_same(store, memory, kit)
    await store.aclose()


async def test_a_run_whose_row_is_gone_is_begun_anew(sqlite: SqliteStore, kit: Any) -> None:
    events = story(kit)
    await sqlite.append(events[:2])
    with closing(sqlite3.connect(kit.path, isolation_level=None)) as other:
        for table in ("runs", "attempts", "events"):
            other.execute(f"DELETE FROM {table}")

    await sqlite.append(events[2:])

    assert list(await sqlite.events("7f3a")) == events[2:]
    assert [run.outcome for run in await sqlite.runs(EVERYTHING)] == ["answered"]
    assert [row.attempt for row in await sqlite.attempts("7f3a")] == [1, 2]


async def test_runs_that_begin_in_the_same_moment_all_have_a_row(sqlite: SqliteStore, kit: Any) -> None:
    stories = {f"run-{number}": story(kit, f"run-{number}") for number in range(5)}
    for events in stories.values():
        await sqlite.append(events[:3])
    for events in stories.values():
        await sqlite.append(events[3:])

    assert {run.run_id for run in await sqlite.runs(EVERYTHING)} == set(stories)
    for run_id, events in stories.items():
        assert list(await sqlite.events(run_id)) == events
    assert not (await sqlite.verify()).problems


async def test_more_runs_may_go_on_at_once_than_are_remembered(
    sqlite: SqliteStore, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmesc.state.sqlite_append._MOST_OPEN", 2)
    stories = [story(kit, f"run-{number}") for number in range(5)]
    for start in range(0, len(stories[0]), 2):
        await asyncio.gather(*(sqlite.append(events[start : start + 2]) for events in stories))

    for events in stories:
        assert list(await sqlite.events(events[0].run_id)) == events
