"""Successes that decide nothing are written together, a moment later; whatever decides is written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmesc.escalation.circuits import Circuit, CircuitState, Overridden, Override, Recent, Reset, Signal
from llmesc.escalation.resolution import CircuitKey
from llmesc.state import sqlite_successes
from llmesc.state.sqlite import SqliteStore
from llmesc.state.sqlite_successes import SOON_SECONDS
from tests.escalation.world import run_virtually

KEY = CircuitKey("openai", "team-a")


@dataclass
class Two:
    """Two stores on one file, as two processes have them, in a loop in which waiting takes no time."""

    kit: Any
    one: SqliteStore
    other: SqliteStore

    async def succeed(self, seconds: float = 1.0, store: SqliteStore | None = None) -> None:
        """One of them (the first) is told of a success that took so long."""
        store = store or self.one
        generation = (await self.kit.circuit(store, KEY)).generation
        await store.signal(KEY, self.kit.succeeded(generation, latency_seconds=seconds))

    async def fail(self, store: SqliteStore | None = None, **more: Any) -> None:
        store = store or self.other
        generation = (await self.kit.circuit(store, KEY)).generation
        await store.signal(KEY, self.kit.failed(generation, **more))

    async def seen(self, store: SqliteStore) -> Circuit:
        circuit: Circuit = await self.kit.circuit(store, KEY)
        return circuit


def seconds_of(circuit: Circuit) -> list[float]:
    return [call.latency_seconds for call in circuit.recent]


Play = Callable[[Callable[[Two], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(kit: Any) -> Iterator[Play]:
    """Runs a test of two stores whose circuit has had one success."""

    def run(test: Callable[[Two], Coroutine[Any, Any, None]]) -> None:
        async def main(_loop: object) -> None:
            two = Two(kit, await kit.open(), await kit.open())
            await two.succeed(1.0)
            try:
                await test(two)
            finally:
                await two.one.aclose()
                await two.other.aclose()

        run_virtually(main)

    yield run


def test_the_first_success_of_all_is_written_at_once(play: Play) -> None:
    async def test(two: Two) -> None:
        assert seconds_of(await two.seen(two.other)) == [1.0]

    play(test)


def test_whoever_notes_one_sees_it_and_others_do_a_moment_later(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.succeed(2.0)
        await two.succeed(3.0)

        assert seconds_of(await two.seen(two.one)) == [1.0, 2.0, 3.0]
        assert seconds_of(await two.seen(two.other)) == [1.0]
        await asyncio.sleep(SOON_SECONDS)
        assert await two.seen(two.other) == await two.seen(two.one)
        assert seconds_of(await two.seen(two.other)) == [1.0, 2.0, 3.0]

    play(test)


def test_closing_writes_them(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.succeed(2.0)
        await two.one.aclose()
        assert seconds_of(await two.seen(two.other)) == [1.0, 2.0]

    play(test)


def test_a_success_that_clears_failures_is_written_at_once(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.fail()
        await two.succeed(2.0)
        assert not (await two.seen(two.other)).failures

    play(test)


def test_a_failure_that_came_after_them_stays(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.succeed(2.0)
        await two.fail(latency_seconds=9.0)
        await asyncio.sleep(SOON_SECONDS)
        for store in (two.one, two.other):
            assert len((await two.seen(store)).failures) == 1
            assert sorted(seconds_of(await two.seen(store))) == [1.0, 2.0, 9.0]

    play(test)


def test_ones_own_failure_takes_them_along(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.succeed(2.0)
        await two.fail(two.one, latency_seconds=9.0)
        assert seconds_of(await two.seen(two.other)) == [1.0, 2.0, 9.0]
        assert len((await two.seen(two.other)).failures) == 1

    play(test)


def test_those_of_a_circuit_that_was_opened_meanwhile_change_nothing(play: Play) -> None:
    async def test(two: Two) -> None:
        await two.succeed(2.0)
        await two.fail(trip=True)
        opened = await two.seen(two.other)
        await asyncio.sleep(SOON_SECONDS)
        for store in (two.one, two.other):
            assert await two.seen(store) == opened
            assert (await two.seen(store)).state is CircuitState.OPEN

    play(test)


def test_they_wait_on_while_another_process_holds_the_lock(play: Play) -> None:
    import sqlite3

    async def test(two: Two) -> None:
        with closing(sqlite3.connect(two.kit.path, isolation_level=None)) as plain:
            plain.execute("BEGIN IMMEDIATE")
            await two.succeed(2.0)
            await asyncio.sleep(SOON_SECONDS)
            assert seconds_of(await two.seen(two.other)) == [1.0]
            plain.execute("COMMIT")
        await two.succeed(3.0)
        await asyncio.sleep(SOON_SECONDS)
        assert seconds_of(await two.seen(two.other)) == [1.0, 2.0, 3.0]

    play(test)


def test_no_more_wait_than_is_good_for_memory(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_successes, "MOST", 3)

    async def test(two: Two) -> None:
        for seconds in (2.0, 3.0, 4.0):
            await two.succeed(seconds)
        assert seconds_of(await two.seen(two.other)) == [1.0, 2.0, 3.0, 4.0]

    play(test)


SIGNALS: dict[str, Callable[[Any], Signal]] = {
    "succeeded": lambda kit: kit.succeeded(),
    "failed": lambda kit: kit.failed(),
    "tripped": lambda kit: kit.failed(trip=True),
    "forced": lambda kit: Overridden(override=Override(state="closed", who="ann", why="", set_at=kit.clock.now(), until=None)),
    "reset": lambda _kit: Reset(who="ann", why=""),
}
STEP = st.tuples(st.sampled_from([*SIGNALS, *["succeeded"] * 4, "failed", "wait", "look"]), st.integers(0, 1))


@given(steps=st.lists(STEP, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_two_processes_learn_they_decide_as_if_all_were_written_at_once(
    kit: Any, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """All but the average and the sparkline, which lag behind, and then hold the same calls."""

    async def main(_loop: object) -> None:
        path = tmp_path_factory.mktemp("state") / "state.db"
        stores, at_once = [await kit.open(path=path), await kit.open(path=path)], kit.memory()
        for what, whose in steps:
            kit.clock.seconds += 1
            if what == "wait":
                await asyncio.sleep(SOON_SECONDS)
            elif what != "look":
                signal = SIGNALS[what](kit)
                if not isinstance(signal, Overridden | Reset):
                    signal = replace(signal, generation=(await kit.circuit(at_once, KEY)).generation)
                assert await stores[whose].signal(KEY, signal) == await at_once.signal(KEY, signal)
            expected = await kit.circuit(at_once, KEY)
            for store in stores:
                seen = await kit.circuit(store, KEY)
                assert replace(seen, recent=(), latency_seconds=None) == replace(expected, recent=(), latency_seconds=None)
        for store in stores:
            await store.aclose()
        reader = await kit.open(path=path)
        assert calls(await kit.circuit(reader, KEY)) <= calls(await kit.circuit(at_once, KEY))
        await reader.aclose()

    run_virtually(main)


def calls(circuit: Circuit) -> set[Recent]:
    return set(circuit.recent)
