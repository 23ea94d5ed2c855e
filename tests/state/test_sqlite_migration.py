"""A file of an older version becomes one of this version when it is opened, and loses nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.latency import Latency
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Window
from llmesc.state.keeping import Retention
from llmesc.state.sqlite_database import SCHEMA_VERSION
from llmesc.state.store import RunFilter
from llmesc.state.usage import UsageQuery, models_of

pytestmark = pytest.mark.anyio

LAB = CircuitKey("lab")
QWEN = ModelKey("lab", "default", "qwen")


def make_third(path: Any) -> None:
    """What the file was in version 3: without what came since."""
    with closing(sqlite3.connect(path)) as connection:
        of_attempts = ("ref", "tier", "input_tokens", "output_tokens", "cost")
        connection.executescript(
            "DROP INDEX attempts_judged;"
            + "".join(f"ALTER TABLE attempts DROP COLUMN judge_{name};" for name in of_attempts)
            + "ALTER TABLE runs DROP COLUMN judge_calls; ALTER TABLE runs DROP COLUMN judges_cost; PRAGMA user_version = 3;"
        )


def make_second(path: Any) -> None:
    """What the file was in version 2."""
    make_third(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE links; DROP TABLE prunes; DROP TABLE sinks; DROP TABLE outbox;"
            "DROP INDEX attempts_hedged_away; DROP INDEX attempts_started; ALTER TABLE runs DROP COLUMN primary_ref;"
            "ALTER TABLE attempts DROP COLUMN call_cost; ALTER TABLE attempts DROP COLUMN call_input_tokens;"
            "ALTER TABLE attempts DROP COLUMN call_output_tokens;"
            "DROP TABLE budget_pages; DROP TABLE budget_reservations;"
            "PRAGMA user_version = 2;"
        )


def make_old(path: Any) -> None:
    """What the file was in version 1."""
    make_second(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP INDEX attempts_success; DROP TABLE retry_budgets;"
            "ALTER TABLE attempts DROP COLUMN first_token_seconds;"
            "ALTER TABLE runs DROP COLUMN input_tokens; ALTER TABLE runs DROP COLUMN output_tokens; PRAGMA user_version = 1;"
        )


def shape(path: Any) -> set[tuple[str, str]]:
    """The schema: names, and the columns and definitions without their layout."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {(table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")}
        return columns | {("", name) for (name,) in connection.execute("SELECT name FROM sqlite_master")}


async def test_a_file_of_the_first_version_is_brought_up_to_this_one_and_keeps_what_it_knows(kit: Any) -> None:
    store = await kit.open()
    await store.append(kit.answered())
    await store.signal(CircuitKey("lab"), kit.failed())
    await store.aclose()
    new = shape(kit.path)
    make_old(kit.path)
    assert shape(kit.path) != new

    store = await kit.open()

    assert shape(kit.path) == new
    assert (await store.check())["schema"] == str(SCHEMA_VERSION)
    assert [run.run_id for run in await store.runs(RunFilter())] == ["7f3a"]
    assert list(await store.circuits()) == [CircuitKey("lab")]
    assert await store.latencies([QWEN]) == {QWEN: [Latency(None, 1.5)]}
    assert await store.retry_tokens("default", -1.0, RetryPolicy()) == 99
    await store.append(kit.answered("newer"))
    assert (await store.latencies([QWEN]))[QWEN][0] == Latency(0.5, 1.5)
    await store.aclose()


async def test_what_the_calls_of_the_second_version_used_is_known_where_their_run_made_but_one(kit: Any) -> None:
    store = await kit.open()
    await store.append(kit.answered("one"))
    kit.clock.seconds += 1
    two = kit.story("two").start().attempt().fail().attempt("openai/gpt", 2).end_attempt("openai/gpt", 2)
    await store.append(two.finish(ref="openai/gpt", attempts=2).events)
    await store.aclose()
    new = shape(kit.path)
    make_second(kit.path)

    store = await kit.open()

    assert shape(kit.path) == new
    lab, openai = models_of(await store.usage(UsageQuery(since=Timestamp(0), until=Timestamp(kit.clock.seconds + 1))))
    assert (lab.calls, lab.input_tokens, lab.output_tokens, lab.cost, lab.cost_unknown) == (2, 12, 34, Decimal("0.0031"), 1)
    assert (openai.calls, openai.cost, openai.cost_unknown) == (1, 0, 1), "how the run's cost was shared out is not known"
    (activity,) = [one for one in await store.activity(Window(Timestamp(kit.clock.seconds - 60), 60.0, 2)) if one.key == LAB]
    assert activity.whole.all == 2
    await store.aclose()


async def test_runs_of_the_second_version_are_not_on_the_chain_and_what_comes_after_them_is(kit: Any) -> None:
    store = await kit.open()
    await store.append(kit.answered("old"))
    running = kit.story("running").start().attempt()
    await store.append(running.events)
    await store.aclose()
    make_second(kit.path)

    store = await kit.open()
    kit.clock.seconds += 1
    await store.append(running.text().end_attempt().finish().events[2:])
    await store.append(kit.answered("new"))

    verified = await store.verify()
    assert (verified.runs, verified.unchained_runs, verified.problems) == (1, 2, ())
    assert (await store.prune(Retention(keep_seconds=0.5), "ann@host")).runs == 2
    verified = await store.verify()
    assert (verified.runs, verified.unchained_runs, verified.pruned_runs, verified.problems) == (1, 0, 2, ())
    await store.aclose()


async def test_a_file_of_the_third_version_takes_up_judges_and_keeps_what_it_verified(kit: Any) -> None:
    store = await kit.open()
    await store.append(kit.answered("old"))
    await store.aclose()
    new = shape(kit.path)
    make_third(kit.path)

    store = await kit.open()
    kit.clock.seconds += 1
    await store.append(kit.story("judged").start().attempt().judged().end_attempt().events)

    assert shape(kit.path) == new
    cells = await store.usage(UsageQuery(since=Timestamp(0), until=Timestamp(kit.clock.seconds + 1)))
    assert [(cell.ref, cell.fate) for cell in cells] == [("big/judge", "judge"), ("lab/qwen", "answer")]
    assert (await store.verify()).problems == ()
    await store.aclose()


async def test_a_query_of_the_second_version_still_works_on_a_file_that_was_migrated_meanwhile(kit: Any) -> None:
    await (await kit.open()).aclose()
    with closing(sqlite3.connect(kit.path)) as connection:
        # As it was written then: without saying whose `cost` is meant.
        connection.execute("SELECT cost, input_tokens, output_tokens FROM attempts CROSS JOIN runs ON id = run").fetchall()


async def test_two_that_open_it_at_the_same_time_migrate_it_once(kit: Any) -> None:
    await (await kit.open()).aclose()
    make_old(kit.path)

    stores = await asyncio.gather(kit.open(), kit.open())

    for store in stores:
        assert (await store.check())["schema"] == str(SCHEMA_VERSION)
        await store.aclose()


async def test_a_migration_that_fails_leaves_the_file_as_it_was(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmesc.state import sqlite_database
    from llmesc.state.store import StateUnavailable

    await (await kit.open()).aclose()
    make_old(kit.path)
    before = shape(kit.path)
    monkeypatch.setattr(sqlite_database, "_MIGRATIONS", {1: ("CREATE TABLE half (a)", "no SQL at all")})

    with pytest.raises(StateUnavailable, match="syntax"):
        await kit.open()

    assert shape(kit.path) == before
