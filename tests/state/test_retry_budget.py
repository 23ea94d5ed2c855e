"""What every store keeps of calls for those that come after: how fast they were, and what is left of a chain's retry budget."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from llmesc.escalation.events import AttemptOutcome
from llmesc.escalation.latency import REMEMBERED_CALLS, Latency
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.retry_budget import FAILED, REFILL_SECONDS, RetryPolicy
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import Store

pytestmark = pytest.mark.anyio

QWEN, OTHER = ModelKey("lab", "default", "qwen"), ModelKey("lab", "default", "other")
POLICY = RetryPolicy()


class TestLatencies:
    async def test_of_what_nobody_called_there_are_none(self, store: Store) -> None:
        assert await store.latencies([QWEN]) == {}

    async def test_only_calls_that_ended_well_count_and_only_those_asked_for(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered("one"))
        await store.append(kit.answered("two", ref="lab/other"))
        await store.append(kit.story("three").start().attempt().fail().finish().events)
        await store.append(kit.story("four").start().attempt().end_attempt(outcome=AttemptOutcome.QUALITY_FAILURE).events)
        await store.append(kit.story("five").start().attempt().events)

        found = await store.latencies([QWEN])

        assert {key: list(calls) for key, calls in found.items()} == {QWEN: [Latency(0.5, 1.5)]}

    async def test_the_newest_count_and_come_first(self, store: Store, kit: Any) -> None:
        for number in range(REMEMBERED_CALLS + 3):
            kit.clock.seconds += 1
            story = kit.story(f"run-{number}").start().attempt()
            await store.append(story.end_attempt(duration_seconds=float(number)).finish().events)

        calls = (await store.latencies([QWEN, OTHER]))[QWEN]

        assert [call.seconds for call in calls] == [float(number) for number in range(REMEMBERED_CALLS + 2, 2, -1)]

    async def test_one_that_was_hedged_away_took_at_least_as_long_as_it_was_waited_for(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered("one"))
        kit.clock.seconds += 1
        race = kit.story("two").start().attempt().attempt("lab/other", 2)
        race.end_attempt(outcome=AttemptOutcome.CANCELLED, duration_seconds=4.0, lost_to=2).end_attempt("lab/other", 2).finish()
        await store.append(race.events)

        calls = await store.latencies([QWEN, OTHER])

        assert list(calls[QWEN]) == [Latency(4.0, None), Latency(0.5, 1.5)]
        assert [(row.outcome, row.kind) for row in await store.attempts("two")] == [
            ("cancelled", "hedged_away"),
            ("success", None),
        ]

    async def test_a_hedge_that_came_too_late_teaches_nothing(self, store: Store, kit: Any) -> None:
        race = kit.story("one").start().attempt().attempt("lab/other", 2)
        race.end_attempt("lab/other", 2, AttemptOutcome.CANCELLED, lost_to=1).end_attempt().finish()
        await store.append(race.events)

        assert list(await store.latencies([QWEN, OTHER])) == [QWEN]
        assert [(row.outcome, row.kind) for row in await store.attempts("one")] == [
            ("success", None),
            ("cancelled", "lost_hedge"),
        ]


class TestRetryTokens:
    async def test_a_chain_that_nobody_used_has_all_of_them(self, store: Store) -> None:
        assert await store.retry_tokens("default", 0.0, POLICY) == 100

    async def test_failures_take_answers_give_back_and_each_chain_has_its_own(self, store: Store) -> None:
        assert await store.retry_tokens("default", FAILED, POLICY) == 99
        assert await store.retry_tokens("default", FAILED, POLICY) == 98
        assert await store.retry_tokens("default", POLICY.refund, POLICY) == pytest.approx(98.1)
        assert await store.retry_tokens("default", 0.0, POLICY) == pytest.approx(98.1)
        assert await store.retry_tokens("other \udcff", 0.0, POLICY) == 100

    async def test_it_is_never_more_than_full_or_less_than_empty(self, store: Store) -> None:
        assert await store.retry_tokens("default", -1000.0, POLICY) == 0
        assert await store.retry_tokens("default", 1000.0, POLICY) == 100

    async def test_time_fills_it(self, store: Store, kit: Any) -> None:
        await store.retry_tokens("default", -100.0, POLICY)
        kit.clock.seconds += REFILL_SECONDS / 4

        assert await store.retry_tokens("default", FAILED, POLICY) == pytest.approx(24)

    async def test_tasks_that_take_at_the_same_time_lose_none(self, store: Store) -> None:
        await asyncio.gather(*(store.retry_tokens("default", FAILED, POLICY) for _ in range(30)))

        assert await store.retry_tokens("default", 0.0, POLICY) == 70


async def test_while_all_goes_well_nothing_is_written(sqlite: SqliteStore, kit: Any) -> None:
    await sqlite.retry_tokens("default", POLICY.refund, POLICY)
    await sqlite.retry_tokens("default", 0.0, POLICY)

    with closing(sqlite3.connect(kit.path)) as connection:
        assert connection.execute("SELECT count(*) FROM retry_budgets").fetchone() == (0,)
