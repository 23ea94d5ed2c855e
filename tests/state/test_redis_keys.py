"""What a Redis keeps, for how long, and what a request costs it."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.budget import Account, Claim, Reservation
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import RunOutcome
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import FAILED, RetryPolicy
from llmesc.escalation.times import Timestamp
from llmesc.state.keeping import Retention
from llmesc.state.open import open_store
from llmesc.state.redis import RedisStore
from llmesc.state.store import RunFilter
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")
EVERYTHING = RunFilter(limit=1_000)
LASTING = {"circuits", "denials", "retry_budgets", "news"}
"""Small, and not of any run."""

Keeping = Callable[[str], Any]


@pytest.fixture
async def keeping(kit: Any, redis_with: Callable[..., RedisServer]) -> AsyncIterator[Keeping]:
    """Opens a store with options on a server of its own, which the test may look into by `kit.server`."""
    opened: list[RedisStore] = []
    kit.server = redis_with()

    async def open_with(options: str = "") -> RedisStore:
        opened.append(await kit.redis(f"{kit.server.url}{options}"))
        return opened[-1]

    yield open_with
    for store in opened:
        await store.aclose()


def keys(server: RedisServer) -> set[str]:
    """Without their prefix."""
    found = server.ask("KEYS", "*", wait_for_all=True)
    return {line.removeprefix("{llmesc}:") for line in found.split("\r\n")[1:] if line and line[0] != "$"}


def calls(server: RedisServer) -> Mapping[str, int]:
    """How often each command was called by clients or scripts."""
    told = server.ask("INFO", "commandstats", wait_for_all=True)
    return {name: int(count) for name, count in re.findall(r"cmdstat_([a-z|]+):calls=(\d+)", told)}


async def test_runs_older_than_is_kept_go_as_new_ones_come(kit: Any, keeping: Keeping) -> None:
    store = await keeping("&keep=7d")
    for number in range(5):
        await store.append(kit.answered(f"old-{number}", ref="openai/gpt"))
    kit.clock.seconds += 7 * 86_400 + 1

    await store.append(kit.answered("new"))

    assert [run.run_id for run in await store.runs(EVERYTHING)] == ["new"]
    assert await store.find_runs("old") == []
    assert list(await store.events("old-1")) == []
    assert (await store.totals(Timestamp(0.0))).requests == 1
    assert [run.run_id for run in await store.runs(RunFilter(provider="openai"))] == []
    assert {key for key in keys(kit.server) if "old" in key} == set()


@pytest.mark.parametrize(("options", "left"), [("", ["new"]), ("&keep=30d", ["new", "old"])])
async def test_what_the_configuration_keeps_holds_where_the_url_says_nothing(
    kit: Any, keeping: Keeping, options: str, left: list[str]
) -> None:
    kit.clock.seconds = time.time() - 8 * 86_400  # the server's own clock counts
    await (await keeping()).append(kit.answered("old"))
    kit.clock.seconds += 8 * 86_400
    url, retention = f"{kit.server.url}{options}", Retention(keep_seconds=7 * 86_400.0)
    store = await open_store(url, clock=kit.clock, policy=kit.policy, retention=retention)

    await store.append(kit.answered("new"))

    assert [run.run_id for run in await store.runs(EVERYTHING)] == left
    await store.aclose()


async def test_no_more_runs_are_kept_than_is_said(kit: Any, keeping: Keeping) -> None:
    store = await keeping("&keep_runs=10")
    for number in range(25):
        kit.clock.seconds += 1
        await store.append(kit.answered(f"run-{number:02}"))

    assert [run.run_id for run in await store.runs(EVERYTHING)] == [f"run-{number}" for number in range(24, 14, -1)]
    assert len(await store.runs(RunFilter(provider="lab", limit=1_000))) == 10
    assert kit.server.ask("ZCARD", "{llmesc}:by_start") == ":10\r\n"


async def test_a_backlog_of_old_runs_goes_by_and_by(kit: Any, keeping: Keeping) -> None:
    patient = await keeping()
    for number in range(120):
        await patient.append(kit.answered(f"run-{number:03}"))
    store = await keeping("&keep_runs=10")

    kept = []
    for number in range(3):
        kit.clock.seconds += 1
        await store.append(kit.answered(f"new-{number}"))
        kept.append(len(await store.runs(EVERYTHING)))

    assert kept == [71, 22, 10]


async def test_everything_of_a_run_goes_by_itself_where_nobody_comes_anymore(kit: Any, keeping: Keeping) -> None:
    store = await keeping("&keep=1d")
    await store.append(kit.answered())
    await store.append(kit.story("second").start().attempt().fail().finish(RunOutcome.EXHAUSTED).events)
    await store.signal(KEY, kit.failed())
    await store.deny(kit.denial("lab/qwen"))
    await store.retry_tokens("default", FAILED, RetryPolicy())

    found = keys(kit.server)
    assert found > LASTING
    for key in found - LASTING:
        seconds = int(kit.server.ask("TTL", "{llmesc}:" + key).strip(":\r\n"))
        assert 7 * 86_400 < seconds <= 8 * 86_400, key


async def test_denials_that_ended_are_cleared_away(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    await store.deny(kit.denial("lab/qwen", for_seconds=10))
    kit.clock.seconds += 11
    await store.deny(kit.denial("lab/other"))

    assert kit.server.ask("HLEN", "{llmesc}:denials") == ":1\r\n"


async def test_the_start_of_an_attempt_is_one_round_trip_and_so_is_its_end(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    story = kit.story().start().attempt()
    await store.append(kit.answered("warm"))
    await store.signal(KEY, kit.succeeded())
    before = calls(kit.server)

    await store.append(story.events)
    await store.append(story.end_attempt().finish().events[2:])
    await store.admit(KEY)
    await store.signal(KEY, kit.succeeded())

    after = calls(kit.server)
    assert after["evalsha"] - before["evalsha"] == 4
    assert "eval" not in {name for name in after if after[name] != before.get(name, 0)}


async def test_a_budget_is_one_round_trip_more_before_a_call_and_none_after_it(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    limits = {Account("all", "day"): Decimal(1), Account("chain:default", "month"): Decimal(9)}
    await store.append(kit.answered("warm"))
    for run_id in ("warm", "7f3a"):
        before = calls(kit.server)
        claim = Claim(run_id=run_id, attempt=1, dollars=Decimal("0.1"), limits=limits, lease_seconds=60.0)
        assert isinstance(await store.reserve(claim), Reservation)

    story = kit.story().start().attempt()
    await store.append(story.events)
    await store.append(story.end_attempt().finish().events[2:])

    after = calls(kit.server)
    assert after["evalsha"] - before["evalsha"] == 3
    kept = {key for key in keys(kit.server) if key.startswith(("page:", "pages:", "reserved:"))}
    assert kept == {"page:2023-11-14:all", "page:2023-11:chain:default", "pages:2023-11-14", "pages:2023-11", "reserved:warm"}
    for key in kept:
        seconds = int(kit.server.ask("TTL", "{llmesc}:" + key).strip(":\r\n"))
        assert 61 * 86_400 < seconds <= 62 * 86_400, "a month's page outlasts its month, whatever is kept of runs"


async def test_looking_at_what_is_closed_and_full_writes_nothing(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    await store.retry_tokens("default", RetryPolicy().refund, RetryPolicy())
    await store.admit(KEY)
    await store.circuits()
    await store.denials()

    assert keys(kit.server) == set()


async def test_attempts_can_be_found_by_when_they_began(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    began = int(kit.clock.now() * 1_000_000)
    await store.append(kit.story().start().attempt("lab/qwen").fail("lab/qwen").attempt("openai/gpt", 2).events)

    assert kit.server.ask("ZRANGEBYSCORE", "{llmesc}:by_start", str(began), str(began)).count("7f3a:") == 2


async def test_what_a_person_or_another_version_wrote_is_learned_anew(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    await store.deny(kit.denial("lab/good"))
    for key, field in (("circuits", "openai@team-a"), ("denials", "lab@default/x"), ("retry_budgets", "default")):
        kit.server.ask("HSET", "{llmesc}:" + key, field, "nonsense")

    for key, field in (("page:2023-11-14:all", "settled"), ("page:2023-11-14:all", "7f3a.1"), ("reserved:7f3a", "1")):
        kit.server.ask("HSET", "{llmesc}:" + key, field, "nonsense")
    today = Account("all", "day")
    claim = Claim(run_id="new", attempt=1, dollars=Decimal("0.1"), limits={today: Decimal("0.1")}, lease_seconds=60.0)

    assert (await store.spending([today]))[today].total == 0
    assert isinstance(await store.reserve(claim), Reservation)
    await store.append(kit.answered("7f3a"))
    await store.append(kit.answered("new"))
    assert (await store.spending([today]))[today].total == Decimal("0.0031"), "of the one that was reserved"
    assert await store.circuits([KEY]) == {KEY: Circuit()}
    assert [denial.key.model for denial in await store.denials()] == ["good"]
    assert await store.retry_tokens("default", FAILED, RetryPolicy()) == 99
    for _ in range(3):
        await store.signal(KEY, kit.failed())
    assert (await kit.circuit(store, KEY)).opens == 1


async def test_totals_over_many_buckets_are_those_of_the_runs(kit: Any, keeping: Keeping) -> None:
    store, memory = await keeping(), kit.memory()
    start = kit.clock.now()
    for number in range(60):
        kit.clock.seconds += 137
        outcome = RunOutcome.ANSWERED if number % 3 else RunOutcome.EXHAUSTED
        events = kit.story(f"run-{number}").start().attempt().finish(outcome).events
        for each in (store, memory):
            await each.append(events)

    for seconds in (0, 1, 137, 138, 900, 1_000, 5_000, 8_219, 8_220, 8_221, 100_000):
        since = Timestamp(start + seconds)
        assert await store.totals(since) == await memory.totals(since)
    assert (await store.totals(Timestamp(0.0))).cost == Decimal("0.186")


async def test_latencies_are_of_the_newest_calls(kit: Any, keeping: Keeping) -> None:
    store = await keeping()
    key = ModelKey("lab", "default", "qwen")
    for number in range(60):
        await store.append(kit.story(f"{number}").start().attempt().end_attempt(duration_seconds=float(number)).events)

    assert [call.seconds for call in (await store.latencies([key]))[key]] == [float(number) for number in range(59, 9, -1)]
