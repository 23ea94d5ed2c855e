"""What is durable when: the recorder over a store that only counts."""

from __future__ import annotations

from collections.abc import Sequence

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
    tokens = [TextDelta(run_id="r", seq=n, at=Timestamp(0.0), elapsed_ms=0.0, attempt=1, text="x") for n in range(6)]

    for token in tokens[:3]:
        await recorder.consume(token)
    assert appended.batches == []
    clock.seconds += 0.25
    for token in tokens[3:]:
        await recorder.consume(token)

    assert [len(batch) for batch in appended.batches] == [4]


async def test_a_burst_does_not_pile_up() -> None:
    appended = Appended()
    recorder = Recorder(appended, Clock())
    for n in range(FLUSH_EVENTS):
        await recorder.consume(TextDelta(run_id="r", seq=n, at=Timestamp(0.0), elapsed_ms=0.0, attempt=1, text="x"))

    assert [len(batch) for batch in appended.batches] == [FLUSH_EVENTS]
