"""Files of events are taken whole and once, or not at all; what is wrong with them is named."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.engine.clock import SystemClock
from llmesc.engine.recordings import Imported, UnusableRecording, read_lines, runs_of, take
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import Event, RunStarted
from llmesc.state.memory import MemoryStore
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import RunFilter, Store
from llmesc.state.usage import UsageQuery
from tests.dashboard import scenes

pytestmark = pytest.mark.anyio


def lines(*runs: Sequence[Event]) -> list[str]:
    return [json.dumps(encode_event(event)) + "\n" for run in runs for event in run]


def changed(run: Sequence[Event], index: int, /, **fields: Any) -> list[str]:
    data = [encode_event(event) for event in run]
    data[index] |= fields
    return [json.dumps(each) for each in data]


ANSWERED = scenes.answered().events
EXHAUSTED = scenes.exhausted().events


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    parts: dict[str, Any] = {
        "clock": SystemClock(),
        "policy": CircuitPolicy(),
        "holder": "h",
        "random": random.random,
        "new_token": lambda: "t",
    }
    made: Any = MemoryStore(**parts) if request.param == "memory" else SqliteStore(tmp_path / "state.db", **parts)
    if request.param == "sqlite":
        await made.open()
    yield made
    await made.aclose()


async def as_they_are(events: Sequence[Event]) -> Sequence[Event]:
    return events


async def imported(store: Store, text: Sequence[str]) -> Imported:
    return await take(store, runs_of(read_lines(text))[0], as_they_are)


async def everything(store: Store) -> list[Any]:
    runs = await store.runs(RunFilter())
    events = [[encode_event(event) for event in await store.events(run.run_id)] for run in runs]
    used = await store.usage(UsageQuery(since=scenes.Timestamp(0), until=scenes.Timestamp(scenes.NOW + 9)))
    return [runs, events, used]


async def test_what_was_exported_is_there_again_and_twice_is_as_once(store: Store) -> None:
    first = await imported(store, lines(ANSWERED, EXHAUSTED))
    there = await everything(store)
    second = await imported(store, lines(EXHAUSTED, ANSWERED, ANSWERED))

    assert first == Imported(new=("7f3a", "55d0"))
    assert second == Imported(known=("55d0", "7f3a"))
    assert await everything(store) == there
    assert there[1][0] == [encode_event(event) for event in ANSWERED]


async def test_a_run_that_was_there_in_part_is_completed(store: Store) -> None:
    await imported(store, lines(ANSWERED[:5]))

    assert await imported(store, lines(ANSWERED)) == Imported(completed=("7f3a",))
    assert [event.seq for event in await store.events("7f3a")] == list(range(len(ANSWERED)))
    assert await imported(store, lines(ANSWERED[:5])) == Imported(known=("7f3a",))


async def test_lines_in_any_order_make_the_same_run(store: Store) -> None:
    shuffled = random.Random(1).sample(lines(ANSWERED), len(ANSWERED))

    await imported(store, [*shuffled, "\n", "  \n"])

    assert [event.seq for event in await store.events("7f3a")] == list(range(len(ANSWERED)))


@pytest.mark.parametrize(("seq", "fields"), [(0, {"at": "2026-01-01T00:00:00Z"}), (2, {"text": "something else"})])
async def test_another_run_of_the_same_id_is_refused_and_nothing_is_taken(store: Store, seq: int, fields: dict[str, Any]) -> None:
    await imported(store, lines(ANSWERED))
    there = await everything(store)

    with pytest.raises(UnusableRecording, match="run 7f3a is here already, and is another one"):
        await imported(store, [*lines(EXHAUSTED), *changed(ANSWERED, seq, **fields)])

    assert await everything(store) == there


async def test_a_run_that_the_store_keeps_no_texts_of_is_known_by_its_times(store: Store) -> None:
    first = ANSWERED[0]
    assert isinstance(first, RunStarted)
    bare = [replace(first, capture="metadata"), *ANSWERED[1:]]
    await imported(store, lines(bare))

    assert await imported(store, lines(ANSWERED)) == Imported(known=("7f3a",))
    with pytest.raises(UnusableRecording, match="is another one"):
        await imported(store, changed(ANSWERED, 3, at="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (["not json"], "line 1: no event of a run: "),
        (['["a list"]'], "line 1: no event of a run: "),
        (["7"], "line 1: no event of a run: "),
        (['{"type": "run_finished"}'], "line 1: no event of a run: 'run_id' is missing"),
        ([*lines(ANSWERED), "{"], f"line {len(ANSWERED) + 1}: no event of a run: "),
        (lines(ANSWERED)[1:], "line 1: run 7f3a lacks its event 0"),
        ([*lines(ANSWERED)[:4], *lines(ANSWERED)[5:]], "line 5: run 7f3a lacks its event 4"),
        ([*lines(ANSWERED), *changed(ANSWERED, 2, text="x")], "has another event 2 in line 3"),
        (changed(ANSWERED, 0, type="attempt_priced", attempt=1, cost="1", price=None), "line 1: no event of a run: "),
        (changed(ANSWERED, 2, run_id="../etc"), "line 3: no event of a run: run_id is no id"),
        (changed(ANSWERED, 2, run_id=7), "line 3: no event of a run: run_id is no id"),
        (changed(ANSWERED, 2, seq="2"), "line 3: no event of a run: seq is no count"),
        (changed(ANSWERED, 2, seq=-1), "line 3: no event of a run: seq is no count"),
        (changed(ANSWERED, 2, elapsed_ms=None), "line 3: no event of a run: elapsed_ms is no number"),
        (changed(ANSWERED, 2, at="yesterday"), "line 3: no event of a run: "),
        (changed(ANSWERED, 2, text=["x"]), "line 3: no event of a run: text is no text"),
        (changed(ANSWERED, 0, type="telepathy"), "line 1: run 7f3a does not begin with run_started"),
        (["[" * 100_000], "line 1: no event of a run: "),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_taken(text: list[str], problem: str, store: Store) -> None:
    with pytest.raises(UnusableRecording) as refused:
        await imported(store, [*text])

    assert problem in str(refused.value)
    assert list(await store.runs(RunFilter())) == []


async def test_events_of_a_newer_version_are_passed_over_and_counted() -> None:
    text = changed(ANSWERED, 3, type="telepathy")

    runs, unknown = runs_of(read_lines(text))

    assert unknown == 1
    assert [event.seq for event in runs["7f3a"]] == [seq for seq in range(len(ANSWERED)) if seq != 3]


def test_hostile_words_in_a_broken_line_reach_no_terminal() -> None:
    with pytest.raises(UnusableRecording) as refused:
        list(read_lines(['{"type": "text_delta", "run_id": "r", "seq": 0, "elapsed_ms": 1, "at": "\\u001b[2Jx"}']))

    assert "\x1b" not in str(refused.value)
