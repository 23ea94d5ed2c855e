"""What waits for the sinks, and how far each is. Each test runs over each kind of store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.times import Timestamp
from llmesc.state import outbox
from llmesc.state.keeping import Retention
from llmesc.state.outbox import Backoff, Bounds, SinkState, Stretch
from llmesc.state.process import Process, is_gone, marked, this_process
from llmesc.state.store import Store
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

WEEK = 7 * 86_400.0


def places(stretches: Any) -> list[tuple[str, int, int]]:
    return [(stretch.run_id, stretch.first_seq, stretch.last_seq) for stretch in stretches]


class TestTheIndex:
    async def test_without_a_sink_nothing_waits(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered())

        assert await store.waiting(0, 10) == []
        assert await store.sinks() == {}

    async def test_what_is_written_from_then_on_waits_in_the_order_of_writing(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered("before"))
        await store.change_sink("a", outbox.followed(WEEK))
        one, two = kit.answered("one"), kit.answered("two")

        await store.append(one[:2])
        await store.append(two)
        await store.append(one[2:])

        found = await store.waiting(0, 10)
        assert places(found) == [("one", 0, 1), ("two", 0, 4), ("one", 2, 4)]
        assert [stretch.position for stretch in found] == sorted({stretch.position for stretch in found})
        assert all(stretch.size > 100 and stretch.written_at == kit.clock.now() for stretch in found)
        assert [stretch.events for stretch in found] == [2, 5, 3]

    async def test_what_is_there_already_does_not_wait_again(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))
        events = kit.answered()
        await store.append(events[:3])

        await store.append(events)
        await store.append(events)

        assert places(await store.waiting(0, 10)) == [("7f3a", 0, 2), ("7f3a", 3, 4)]

    async def test_a_gap_is_told_and_filled_later(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))
        events = kit.answered()
        await store.append([events[0], *events[3:]])
        await store.append(events[1:3])

        assert places(await store.waiting(0, 10)) == [("7f3a", 0, 0), ("7f3a", 3, 4), ("7f3a", 1, 2)]

    async def test_pages_follow_each_other(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))
        for number in range(5):
            await store.append(kit.answered(f"run-{number}"))

        first = await store.waiting(0, 2)
        rest = await store.waiting(first[-1].position, 10)

        assert [stretch.run_id for stretch in (*first, *rest)] == [f"run-{number}" for number in range(5)]

    async def test_what_all_have_is_forgotten_and_positions_go_on(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))
        await store.append(kit.answered("one"))
        (one,) = await store.waiting(0, 10)

        await store.clear_outbox(one.position)
        await store.append(kit.answered("two"))

        (two,) = await store.waiting(0, 10)
        assert two.run_id == "two"
        assert two.position > one.position
        assert len(await store.events("one")) == 5, "what was delivered stays on record"

    async def test_with_the_last_sink_goes_what_waits(self, store: Store, kit: Any) -> None:
        for name in ("a", "b"):
            await store.change_sink(name, outbox.followed(WEEK))
        await store.append(kit.answered())

        await store.forget_sink("a")
        assert len(await store.waiting(0, 10)) == 1
        await store.forget_sink("b")
        await store.append(kit.answered("later"))

        assert await store.waiting(0, 10) == []
        assert await store.sinks() == {}


class TestStandings:
    async def test_a_new_sink_begins_behind_what_waits_for_others(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))
        await store.append(kit.answered())
        await store.change_sink("b", outbox.followed(WEEK))

        sinks = await store.sinks()

        assert list(sinks) == ["a", "b"]
        assert await store.waiting(sinks["b"].position, 10) == []
        assert len(await store.waiting(sinks["a"].position, 10)) == 1

    async def test_one_process_delivers_at_a_time_until_its_lease_ends(self, store: Store, kit: Any) -> None:
        await store.change_sink("a", outbox.followed(WEEK))

        first = await store.change_sink("a", outbox.claimed("t1", 30))
        second = await store.change_sink("a", outbox.claimed("t2", 30))
        kit.clock.seconds += 31
        third = await store.change_sink("a", outbox.claimed("t3", 30))

        assert first is not None
        assert second is None
        assert third is not None
        assert not await store.change_sink("a", outbox.confirmed("t1", 5, 5, 30)), "its lease is another's"
        assert await store.change_sink("a", outbox.confirmed("t3", 0, 5, 30))
        assert (await store.sinks())["a"].delivered == 5

    async def test_tasks_that_ask_at_the_same_time_are_told_apart(self, store: Store) -> None:
        await store.change_sink("a", outbox.followed(WEEK))

        granted = await asyncio.gather(*(store.change_sink("a", outbox.claimed(f"t{n}", 30)) for n in range(8)))

        assert sum(state is not None for state in granted) == 1

    async def test_nobody_is_let_in_who_is_not_known(self, store: Store) -> None:
        assert await store.change_sink("a", outbox.claimed("t", 30)) is None
        assert await store.sinks() == {}


NOW = Timestamp(1_000.0)
STATE = SinkState(position=3, seen_at=NOW, max_age_seconds=WEEK, lease="t", leased_until=Timestamp(NOW + 30))


class TestDecisions:
    def test_failures_are_left_alone_for_longer_and_longer_and_never_shorter_than_asked(self) -> None:
        backoff = Backoff(first_seconds=1, longest_seconds=60, jitter=0.5)

        assert [backoff.pause(failures, 0.0) for failures in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]
        assert backoff.pause(1, 0.999) > 1.49

        state, _ = outbox.failed("t", "503", backoff, 0.0, retry_after_seconds=20)(STATE, 9, NOW)
        assert state is not None
        assert (state.retry_at, state.failures, state.lease, state.last_error) == (NOW + 20, 1, "", "503")
        assert outbox.claimed("u", 30)(state, 9, Timestamp(NOW + 19)) == (None, None)
        assert outbox.claimed("u", 30)(state, 9, Timestamp(NOW + 20))[1] is not None
        assert outbox.claimed("u", 30, by_operator=True)(state, 9, NOW)[1] is not None

    def test_success_forgets_the_failures(self) -> None:
        worn = replace(STATE, failures=4, retry_at=Timestamp(NOW - 1), last_error="503")

        state, held = outbox.confirmed("t", 7, 4, 30)(worn, 9, NOW)

        assert held
        assert state is not None
        assert (state.position, state.failures, state.retry_at, state.last_error) == (7, 0, None, "")
        assert (state.delivered, state.delivered_at) == (4, NOW)

    def test_one_that_was_stopped_is_started_by_an_operator_alone(self) -> None:
        state, _ = outbox.stopped("t", "410 Gone")(STATE, 9, NOW)

        assert state is not None
        assert outbox.claimed("u", 30)(state, 9, Timestamp(NOW + 1e6)) == (None, None)
        started = outbox.claimed("u", 30, by_operator=True)(state, 9, NOW)[1]
        assert started is not None
        assert started.stopped == ""

    @pytest.mark.parametrize(
        ("age", "size", "cut"),
        [
            (100.0, 1_000, 0),
            (25.0, 1_000, 1),
            (15.0, 1_000, 2),
            (5.0, 1_000, 3),
            (100.0, 299, 1),
            (100.0, 100, 2),
            (100.0, 99, 3),
        ],
    )
    def test_what_is_too_old_or_too_much_is_given_up_the_oldest_first(self, age: float, size: int, cut: int) -> None:
        waiting = [Stretch(4 + n, "r", 10 * n, 10 * n + 9, Timestamp(NOW - 30 + 10 * n), 100) for n in range(3)]
        bounds = Bounds(max_age_seconds=age, max_size_bytes=size)
        free = replace(STATE, lease="", leased_until=None, dropped=2, stopped="410")

        state, events = outbox.bounded(3, waiting, bounds)(free, 9, NOW)

        assert outbox.cut_off(waiting, bounds, NOW) == cut
        assert events == 10 * cut
        if state is None:
            assert cut == 0
        else:
            assert (state.position, state.dropped, state.dropped_at) == (3 + cut, 2 + 10 * cut, NOW)
        assert outbox.bounded(2, waiting, bounds)(free, 9, NOW) == (None, 0), "it has moved on"
        assert outbox.bounded(3, waiting, bounds)(STATE, 9, NOW) == (None, 0), "somebody delivers"

    def test_the_lease_of_a_process_that_is_gone_is_free_at_once(self) -> None:
        assert outbox.claimed("u", 30)(STATE, 9, NOW) == (None, None)
        assert outbox.claimed("u", 30, is_dead=lambda token: token == "t")(STATE, 9, NOW)[1] is not None
        assert outbox.is_free(by_operator=True)(STATE, 9, NOW) == (None, False)
        assert outbox.is_free(by_operator=True, is_dead=lambda token: True)(STATE, 9, NOW) == (None, True)

    def test_a_token_tells_whether_its_process_lives(self) -> None:
        here = this_process()
        assert not is_gone(marked(here, "1"))
        assert is_gone(marked(Process(here.host, 2**22 + 1, 5), "1"))
        assert not is_gone(marked(Process("another.host", 1, None), "1")), "of another host nothing is known"
        assert not is_gone("what nobody made")

    def test_what_the_record_has_no_more_is_counted(self) -> None:
        state, _ = outbox.confirmed("t", 7, 4, 30, missing=3)(STATE, 9, NOW)

        assert state is not None
        assert (state.delivered, state.dropped, state.dropped_at) == (4, 3, NOW)

    def test_a_store_that_lost_its_newest_delivers_again_what_it_has(self) -> None:
        state, _ = outbox.followed(WEEK)(replace(STATE, position=10), 4, NOW)

        assert state is not None
        assert state.position == 0

    def test_the_note_that_it_is_configured_is_written_once_an_hour(self) -> None:
        assert outbox.followed(WEEK)(STATE, 9, Timestamp(NOW + 60))[0] is None
        assert outbox.followed(WEEK)(STATE, 9, Timestamp(NOW + 3_601))[0] is not None
        assert outbox.abandoned(STATE, 9, Timestamp(NOW + WEEK)) == (None, False)
        assert outbox.abandoned(STATE, 9, Timestamp(NOW + WEEK + 3_601)) == (None, True)

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"position": "x"'])
    def test_what_cannot_be_read_begins_anew(self, body: bytes) -> None:
        assert outbox.read_sink(body) is None

    def test_a_state_comes_back_as_it_was(self) -> None:
        whole = replace(STATE, delivered=5, delivered_at=NOW, dropped=1, retry_at=NOW, last_error="ß", stopped="no")
        assert outbox.read_sink(outbox.stored_sink(whole)) == whole


class TestRedis:
    async def test_a_run_that_a_sink_waits_for_is_not_cleared_away(self, kit: Any, redis_server: RedisServer) -> None:
        kit.kind, kit.url = "redis", f"{redis_server.url}&prefix=outbox&keep_runs=2"
        store = await kit.store()
        await store.change_sink("a", outbox.followed(WEEK))

        for number in range(5):
            kit.clock.seconds += 1
            await store.append(kit.answered(f"run-{number}"))
        kept = [stretch.run_id for stretch in await store.waiting(0, 10)]

        assert kept == [f"run-{number}" for number in range(5)]
        assert all([await store.events(run_id) for run_id in kept])

        found: list[Stretch] = list(await store.waiting(0, 10))
        await store.clear_outbox(found[-1].position)
        kit.clock.seconds += 1
        await store.append(kit.answered("newest"))
        assert not await store.events("run-0")
        await store.aclose()


class TestSqlite:
    async def test_a_run_that_a_sink_waits_for_is_not_pruned(self, kit: Any) -> None:
        kit.kind = "sqlite"
        store = await kit.store()
        await store.change_sink("a", outbox.followed(WEEK))
        await store.append(kit.answered("waited-for"))
        kit.clock.seconds += 100

        kept = await store.prune(Retention(keep_seconds=1.0), "ann@host")
        (stretch,) = await store.waiting(0, 10)
        await store.clear_outbox(stretch.position)
        gone = await store.prune(Retention(keep_seconds=1.0), "ann@host")

        assert (kept.runs, gone.runs) == (0, 1)
        await store.aclose()
