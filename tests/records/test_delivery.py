"""What is recorded reaches a sink at least once and in order, whatever fails, and what is given up is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.records.delivery import BATCH_EVENTS, Delivery, all_waiting
from llmesc.records.sinks.base import NotDelivered, event_id
from llmesc.state import outbox
from llmesc.state.memory import MemoryStore
from llmesc.state.outbox import Backoff, Bounds, SinkState
from tests.escalation.world import answer, candidate, world

pytestmark = pytest.mark.anyio

DAY = 86_400.0


@dataclass
class Clock:
    seconds: float = 1_800_000_000.0

    def now(self) -> Timestamp:
        return Timestamp(self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Died(BaseException):
    """The process that delivered is no more."""


@dataclass
class Sink:
    """Takes what it is given, or not, as the plan says."""

    plan: list[str] = field(default_factory=list)
    """For each batch: `takes`, `refuses`, `dies` (has it, and nobody hears so), `gone`, `breaks`, `hangs`, `missing`."""
    got: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self) -> None:
        if self.plan and self.plan[0] == "missing":
            self.plan.pop(0)
            raise NotDelivered("the secret is not set")

    async def deliver(self, events: Sequence[Event]) -> None:
        self.batches.append(len(events))
        what = self.plan.pop(0) if self.plan else "takes"
        if what in ("takes", "dies"):
            self.got += map(event_id, events)
        match what:
            case "dies":
                raise Died
            case "refuses":
                raise NotDelivered("503", retry_after_seconds=40)
            case "gone":
                raise NotDelivered("410 Gone", for_good=True)
            case "breaks":
                raise RuntimeError("no more ideas")
            case "hangs":
                self.reached.set()
                await asyncio.Event().wait()
            case _:
                pass

    async def check(self) -> str:
        return "fine"

    async def aclose(self) -> None:
        """Nothing."""


@dataclass
class Bench:
    clock: Clock = field(default_factory=Clock)
    sink: Sink = field(default_factory=Sink)
    warned: list[str] = field(default_factory=list)
    bounds: Bounds = field(default_factory=lambda: Bounds(max_age_seconds=DAY, max_size_bytes=10**9))
    tokens: int = 0

    def __post_init__(self) -> None:
        self.store = MemoryStore(
            clock=self.clock, policy=CircuitPolicy(), holder="h:1", random=lambda: 0.0, new_token=lambda: "t"
        )

    async def follow(self) -> None:
        await self.store.change_sink("a", outbox.followed(self.bounds.max_age_seconds))

    def delivery(self) -> Delivery:
        def token() -> str:
            self.tokens += 1
            return f"token-{self.tokens}"

        return Delivery(
            "a",
            self.sink,
            self.bounds,
            batch_seconds=10.0,
            new_token=token,
            random=lambda: 0.0,
            warn=self.warned.append,
            backoff=Backoff(first_seconds=10, longest_seconds=100, jitter=0),
        )

    async def record(self, run_id: str) -> list[str]:
        from dataclasses import replace

        events = [replace(event, run_id=run_id) for event in RUN]
        for start in range(0, len(events), 3):
            await self.store.append(events[start : start + 3])
        return [event_id(event) for event in events]

    async def state(self) -> SinkState:
        return (await self.store.sinks())["a"]

    async def waiting(self) -> int:
        return sum([stretch.events async for stretch in all_waiting(self.store, (await self.state()).position)])


RUN = world((candidate("a/m"), [answer()])).play()


async def test_all_that_waits_is_delivered_in_order_and_then_forgotten() -> None:
    bench = Bench()
    await bench.follow()
    ids = [*await bench.record("one"), *await bench.record("two")]
    heard: list[int] = []

    assert await bench.delivery().run(bench.store, told=heard.append) == "nothing"

    assert bench.sink.got == ids
    assert sum(heard) == len(ids)
    state = await bench.state()
    assert (state.delivered, state.lease, state.leased_until) == (len(ids), "", None)
    assert await bench.store.waiting(0, 10) == []
    assert len(await bench.store.events("one")) == len(RUN), "the record keeps it"
    assert await bench.delivery().run(bench.store) == "nothing"
    assert bench.sink.got == ids


async def test_much_is_delivered_in_several_batches() -> None:
    bench = Bench()
    await bench.follow()
    runs = 2 * BATCH_EVENTS // len(RUN)
    for number in range(runs):
        await bench.record(f"r{number}")

    await bench.delivery().run(bench.store)

    assert len(bench.sink.batches) > 1
    assert max(bench.sink.batches) <= BATCH_EVENTS
    assert len(bench.sink.got) == len(set(bench.sink.got)) == runs * len(RUN)


async def test_a_failure_keeps_everything_and_leaves_the_sink_alone_for_as_long_as_it_asks() -> None:
    bench = Bench(sink=Sink(plan=["refuses"]))
    await bench.follow()
    ids = await bench.record("one")

    assert await bench.delivery().run(bench.store) == "failed"
    assert (await bench.state()).last_error == "503"
    bench.clock.seconds += 39
    assert await bench.delivery().run(bench.store) == "busy"
    assert len(bench.sink.batches) == 1, "it was not asked"
    bench.clock.seconds += 1
    assert await bench.delivery().run(bench.store) == "nothing"

    assert bench.sink.got == ids
    assert (await bench.state()).failures == 0


async def test_an_operator_does_not_wait() -> None:
    bench = Bench(sink=Sink(plan=["refuses"]))
    await bench.follow()
    ids = await bench.record("one")
    await bench.delivery().run(bench.store)

    assert await bench.delivery().run(bench.store, by_operator=True) == "nothing"
    assert bench.sink.got == ids


async def test_one_that_wants_no_more_gets_no_more_until_an_operator_says_so() -> None:
    bench = Bench(sink=Sink(plan=["gone"]))
    await bench.follow()
    ids = await bench.record("one")

    assert await bench.delivery().run(bench.store) == "stopped"
    bench.clock.seconds += 3_600
    assert await bench.delivery().run(bench.store) == "stopped"
    assert bench.warned == ["sink a wants no more: 410 Gone; llmesc records flush starts it again"]
    assert await bench.delivery().run(bench.store, by_operator=True) == "nothing"

    assert bench.sink.got == ids
    assert (await bench.state()).stopped == ""


@pytest.mark.parametrize(("plan", "words"), [("breaks", "RuntimeError: no more ideas"), ("missing", "the secret is not set")])
async def test_whatever_goes_wrong_is_the_sinks_and_nothing_is_lost(plan: str, words: str) -> None:
    bench = Bench(sink=Sink(plan=[plan]))
    await bench.follow()
    ids = await bench.record("one")

    assert await bench.delivery().run(bench.store) == "failed"
    assert (await bench.state()).last_error == words
    bench.clock.seconds += 10
    assert await bench.delivery().run(bench.store) == "nothing"

    assert bench.sink.got == ids


async def test_one_that_does_not_answer_before_the_end_is_left_alone_for_a_while() -> None:
    bench = Bench(sink=Sink(plan=["hangs"]))
    await bench.follow()
    ids = await bench.record("one")
    task = asyncio.create_task(bench.delivery().run(bench.store))
    await bench.sink.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    state = await bench.state()
    assert (state.lease, state.failures, state.last_error) == ("", 1, "no answer in the time that there was")
    assert await bench.delivery().run(bench.store) == "busy"
    bench.clock.seconds += 10
    assert await bench.delivery().run(bench.store) == "nothing"
    assert bench.sink.got == ids


async def test_what_a_process_that_died_had_claimed_is_delivered_when_its_lease_ends() -> None:
    bench = Bench()
    await bench.follow()
    ids = await bench.record("one")
    assert await bench.store.change_sink("a", outbox.claimed("dead", 40)) is not None

    assert await bench.delivery().run(bench.store) == "busy"
    bench.clock.seconds += 41
    assert await bench.delivery().run(bench.store) == "nothing"

    assert bench.sink.got == ids


async def test_what_is_too_old_is_dropped_loudly_and_counted() -> None:
    bench = Bench(sink=Sink(plan=["refuses"]))
    await bench.follow()
    await bench.record("old")
    await bench.delivery().run(bench.store)
    bench.clock.seconds += DAY - 1
    fresh = await bench.record("fresh")
    bench.clock.seconds += 2

    assert await bench.delivery().run(bench.store) == "nothing"

    assert bench.sink.got == fresh
    assert (await bench.state()).dropped == len(RUN)
    (warning,) = bench.warned
    assert f"{len(RUN)} events were dropped and will never be delivered: they waited for longer than 1d" in warning


@pytest.mark.parametrize("plan", [["gone"], ["refuses"]])
async def test_what_is_too_much_is_dropped_also_while_the_sink_gets_nothing(plan: list[str]) -> None:
    bench = Bench(sink=Sink(plan=plan), bounds=Bounds(max_age_seconds=DAY, max_size_bytes=30_000))
    await bench.follow()
    await bench.record("first")
    await bench.delivery().run(bench.store)
    for number in range(40):
        await bench.record(f"r{number}")

    await bench.delivery().run(bench.store)

    stretches = [stretch async for stretch in all_waiting(bench.store, (await bench.state()).position)]
    assert 0 < sum(stretch.size for stretch in stretches) <= 30_000
    assert stretches[-1].run_id == "r39", "the newest stay"
    assert (await bench.state()).dropped + await bench.waiting() == 41 * len(RUN)
    assert await bench.store.waiting(0, 1) == stretches[:1], "what was dropped is not kept for anybody"


async def test_what_the_record_has_no_more_is_counted_as_dropped() -> None:
    bench = Bench()
    await bench.follow()
    await bench.record("one")
    kept = await bench.record("two")
    del bench.store._runs["one"]

    assert await bench.delivery().run(bench.store) == "nothing"

    assert bench.sink.got == kept
    assert (await bench.state()).dropped == len(RUN)
    assert "the record has them no more" in bench.warned[0]


async def test_a_slow_sink_does_not_make_another_forget() -> None:
    bench = Bench()
    await bench.follow()
    await bench.store.change_sink("slow", outbox.followed(DAY))
    await bench.record("one")

    await bench.delivery().run(bench.store)

    assert await bench.store.waiting(0, 1), "another sink waits for it still"


PLANS = st.lists(st.sampled_from(["takes", "refuses", "dies", "breaks", "missing", "gone"]), max_size=12)


@given(plan=PLANS, runs=st.lists(st.integers(min_value=0, max_value=3), min_size=1, max_size=6))
def test_whatever_happens_every_event_comes_at_least_once_and_in_order(plan: list[str], runs: list[int]) -> None:
    async def play() -> None:
        bench = Bench(sink=Sink(plan=list(plan)))
        await bench.follow()
        ids: list[str] = []

        async def deliver() -> str:
            try:
                return await bench.delivery().run(bench.store, by_operator=True)
            except Died:
                return "died"
            finally:
                bench.clock.seconds += 50

        for index, number in enumerate(runs):
            for each in range(number):
                ids += await bench.record(f"{index}.{each}")
            await deliver()
        while await deliver() != "nothing":
            pass

        assert list(dict.fromkeys(bench.sink.got)) == ids, "at least once, and the first time in order"
        state = await bench.state()
        assert (state.delivered, state.dropped) == (len(ids), 0)
        assert max(Counter(bench.sink.got).values(), default=0) <= 1 + plan.count("dies")
        assert await bench.store.waiting(0, 1) == []

    asyncio.run(play())
