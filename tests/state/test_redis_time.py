"""Hosts whose clocks do not agree, on one Redis: the server's counts, and each host is told moments as its own clock has them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from llmesc.escalation.circuits import Admission, CircuitState, Overridden, Override, Refusal, effective_state
from llmesc.escalation.redis_url import parse_redis_url
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.redis import RedisStore
from llmesc.state.store import RunFilter

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")


@dataclass
class WrongClock:
    """A host's clock that is off."""

    seconds: float

    def now(self) -> Timestamp:
        return Timestamp(time.time() + self.seconds)

    def monotonic(self) -> float:
        return time.monotonic()


Host = Callable[[WrongClock], Awaitable[RedisStore]]


@pytest.fixture
async def host(kit: Any, redis_url: str) -> AsyncIterator[Host]:
    """A store as a host with that clock has it."""
    opened: list[RedisStore] = []

    async def open_one(clock: WrongClock) -> RedisStore:
        store = RedisStore(parse_redis_url(redis_url), **kit.parts() | {"clock": clock})
        await store.open()
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.aclose()


@pytest.mark.parametrize("seconds", [-86_400.0, -600.0, 0.0, 600.0, 86_400.0])
async def test_a_circuit_opens_for_as_long_whoever_opened_it(host: Host, kit: Any, seconds: float) -> None:
    wrong, right = WrongClock(seconds), WrongClock(0.0)
    theirs, ours = await host(wrong), await host(right)

    transition = await theirs.signal(KEY, kit.failed(trip=True))

    assert transition is not None
    assert transition.retry_at == pytest.approx(wrong.now() + 60, abs=5)
    for store, clock in ((theirs, wrong), (ours, right)):
        circuit = (await store.circuits([KEY]))[KEY]
        assert effective_state(circuit, clock.now()) is CircuitState.OPEN
        assert circuit.opened_at == pytest.approx(clock.now(), abs=5)
        assert circuit.retry_at == pytest.approx(clock.now() + 60, abs=5)
        refused = await store.admit(KEY)
        assert isinstance(refused, Refusal)
        assert refused.retry_at == pytest.approx(clock.now() + 60, abs=5)


async def test_what_was_decided_by_a_clock_that_jumped_is_decided_again(host: Host, kit: Any) -> None:
    jumping, right = WrongClock(0.0), WrongClock(0.0)
    theirs, ours = await host(jumping), await host(right)

    jumping.seconds = 100_000.0
    await theirs.signal(KEY, kit.failed(trip=True))

    assert (await ours.circuits([KEY]))[KEY].retry_at == pytest.approx(right.now() + 60, abs=5)


async def test_one_probe_at_a_time_also_among_clocks_that_do_not_agree(host: Host, kit: Any) -> None:
    theirs, ours = await host(WrongClock(500.0)), await host(WrongClock(0.0))
    await ours.signal(KEY, kit.failed(retry_after_seconds=0.0))

    probe, other = await theirs.admit(KEY), await ours.admit(KEY)

    assert isinstance(probe, Admission)
    assert probe.token is not None
    assert isinstance(other, Refusal)
    assert other.reason == "probe_elsewhere"


async def test_an_operators_word_and_a_denial_end_at_the_moment_they_were_given(host: Host, kit: Any) -> None:
    wrong, right = WrongClock(-3_600.0), WrongClock(0.0)
    theirs, ours = await host(wrong), await host(right)
    now = wrong.now()
    override = Override(state="open", who="ann", why="drain", set_at=now, until=Timestamp(now + 600))
    kit.clock.seconds = now

    await theirs.signal(KEY, Overridden(override=override))
    await theirs.deny(kit.denial("lab/qwen", for_seconds=600))

    circuit = (await ours.circuits([KEY]))[KEY]
    assert circuit.override is not None
    assert circuit.override.until == pytest.approx(right.now() + 600, abs=5)
    (denial,) = await ours.denials()
    assert denial.until == pytest.approx(right.now() + 600, abs=5)
    (told,) = await theirs.denials()
    assert told.until == pytest.approx(wrong.now() + 600, abs=5)


async def test_a_run_of_a_host_whose_clock_is_behind_is_not_taken_for_interrupted(host: Host, kit: Any) -> None:
    wrong = WrongClock(-7_200.0)
    theirs, ours = await host(wrong), await host(WrongClock(0.0))
    kit.clock.seconds = wrong.now()

    await theirs.append(kit.story().start(caller={"host": "elsewhere", "pid": "1"}).attempt().events)

    assert [run.outcome for run in await ours.runs(RunFilter())] == ["running"]


async def test_a_check_tells_how_far_off_the_host_is(host: Host) -> None:
    assert "3600.0 s behind" in (await (await host(WrongClock(-3_600.0))).check())["clock"]
    assert "clock" not in await (await host(WrongClock(0.0))).check()
