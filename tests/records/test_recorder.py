"""What is durable when: the recorder over a store that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from llmesc.escalation.events import AttemptStarted, Event, RunFinished, TextDelta, ToolCallFinished, ToolCallRequested
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.times import Timestamp
from llmesc.records.recorder import FLUSH_EVENTS, Recorder
from tests.escalation.world import Bench, answer, asking, candidate, failing, world

pytestmark = pytest.mark.anyio


class Clock:
    seconds = 0.0

    def now(self) -> Timestamp:
        return Timestamp(self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Appended:
    def __init__(self) -> None:
        self.batches: list[list[Event]] = []

    async def __call__(self, events: Sequence[Event]) -> None:
        self.batches.append(list(events))

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def events() -> list[Event]:
    """A run over two candidates."""
    return world((candidate("a/m"), [failing(FailureKind.TIMEOUT)]), (candidate("b/m"), [answer()])).play()


async def test_a_start_is_durable_before_the_request_leaves_with_all_that_came_before_it(events: list[Event]) -> None:
    appended = Appended()
    recorder = Recorder(appended, Clock())

    for event in events:
        await recorder.consume(event)
        if isinstance(event, AttemptStarted | RunFinished):
            assert appended.events == events[: event.seq + 1]

    assert appended.events == events
    assert len(appended.batches) == 3, "two starts and the end: no write that nobody needs"


@pytest.fixture
def round_of_tools() -> list[Event]:
    return world((candidate("a/m"), [asking("look_up", "add"), answer()]), toolbox=Bench().toolbox()).play()


async def test_a_tool_call_is_durable_before_it_runs_and_its_result_before_the_next(round_of_tools: list[Event]) -> None:
    appended = Appended()
    recorder = Recorder(appended, Clock())

    for event in round_of_tools:
        await recorder.consume(event)
        if isinstance(event, ToolCallRequested | ToolCallFinished):
            assert appended.events[-1] == event


async def test_tokens_are_written_together_but_none_grows_old() -> None:
    clock, appended = Clock(), Appended()
    recorder = Recorder(appended, clock)
    tokens = [token(n) for n in range(6)]

    for each in tokens[:3]:
        await recorder.consume(each)
    assert appended.batches == []
    clock.seconds += 0.25
    for each in tokens[3:]:
        await recorder.consume(each)

    assert [len(batch) for batch in appended.batches] == [4]


def token(seq: int) -> TextDelta:
    return TextDelta(run_id="r", seq=seq, at=Timestamp(0.0), elapsed_ms=0.0, attempt=1, text="x")


async def test_what_comes_while_something_is_written_is_written_together_in_its_own_time() -> None:
    clock, began, go = Clock(), asyncio.Event(), asyncio.Event()
    appended = Appended()

    async def append(batch: Sequence[Event]) -> None:
        await appended(batch)
        began.set()
        await go.wait()

    recorder = Recorder(append, clock)
    await recorder.consume(token(0))
    clock.seconds += 0.25
    async with asyncio.timeout(20):
        await began.wait()
    for seq in (1, 2):  # not one batch each, though the last is old: it is being written
        await recorder.consume(token(seq))
    assert len(appended.batches) == 1
    go.set()

    async with asyncio.timeout(20):
        while len(appended.batches) < 2:
            await asyncio.sleep(0.01)
    assert [[event.seq for event in batch] for batch in appended.batches] == [[0], [1, 2]]


async def test_a_token_after_which_none_comes_is_written_all_the_same() -> None:
    appended = Appended()
    recorder = Recorder(appended, Clock())

    await recorder.consume(token(0))
    await recorder.consume(token(1))

    async with asyncio.timeout(20):
        while not appended.batches:
            await asyncio.sleep(0.01)
    assert [event.seq for event in appended.events] == [0, 1]


async def test_nothing_overtakes_what_is_being_written_late(events: list[Event]) -> None:
    written: list[int] = []
    first, go = asyncio.Event(), asyncio.Event()

    async def append(batch: Sequence[Event]) -> None:
        if not first.is_set():
            first.set()
            await go.wait()
        written.extend(event.seq for event in batch)

    recorder = Recorder(append, Clock())
    await recorder.consume(token(0))
    await asyncio.wait_for(first.wait(), 20)
    end = asyncio.create_task(recorder.consume(replace(events[-1], run_id="r", seq=1)))
    await asyncio.sleep(0)
    assert written == []
    go.set()
    await end

    assert written == [0, 1]


async def test_what_could_not_be_written_late_is_not_hidden() -> None:
    async def append(batch: Sequence[Event]) -> None:
        raise OSError("no")

    recorder = Recorder(append, Clock())
    await recorder.consume(token(0))

    with pytest.raises(OSError, match="no"):
        async with asyncio.timeout(20):
            while True:
                await asyncio.sleep(0.01)
                await recorder.consume(token(1))


async def test_a_burst_does_not_pile_up() -> None:
    appended = Appended()
    recorder = Recorder(appended, Clock())
    for n in range(FLUSH_EVENTS):
        await recorder.consume(token(n))

    assert [len(batch) for batch in appended.batches] == [FLUSH_EVENTS]
