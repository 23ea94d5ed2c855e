"""A file of JSON lines: whole lines only, put aside when it is large, and what a killed writer left is taken out."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.events import Event
from llmesc.records.sinks import jsonl
from llmesc.records.sinks.base import NotDelivered
from llmesc.records.sinks.jsonl import JsonlSink
from tests.escalation.world import answer, candidate, world

pytestmark = pytest.mark.anyio


async def at_once(work: Callable[[], None]) -> None:
    work()


def sink(path: Path, rotate_bytes: int = 1_000_000, keep_files: int = 2) -> JsonlSink:
    return JsonlSink(path, rotate_bytes=rotate_bytes, keep_files=keep_files, in_thread=at_once)


@pytest.fixture(scope="module")
def events() -> Sequence[Event]:
    return world((candidate("a/m"), [answer()])).play()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "events.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_each_event_is_a_line_with_its_id(path: Path, events: Sequence[Event]) -> None:
    await sink(path).deliver(events)

    found = lines(path)
    assert [line["id"] for line in found] == [f"{event.run_id}.{event.seq}" for event in events]
    assert [line["type"] for line in found] == [event.type for event in events]
    assert path.read_bytes().endswith(b"\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_large_file_is_put_aside_and_the_oldest_goes(path: Path, events: Sequence[Event]) -> None:
    one = sink(path, rotate_bytes=10)
    for event in events[:5]:
        await one.deliver([event])

    kept = {each.name: [line["seq"] for line in lines(each)] for each in path.parent.iterdir()}
    assert kept == {"events.jsonl": [4], "events.jsonl.1": [3], "events.jsonl.2": [2]}


async def test_a_file_is_put_aside_before_it_would_grow_too_large(path: Path, events: Sequence[Event]) -> None:
    await sink(path).deliver(events[:1])
    size = path.stat().st_size

    await sink(path, rotate_bytes=size + 10).deliver(events[1:2])

    assert path.with_name("events.jsonl.1").stat().st_size == size


@pytest.mark.parametrize("left", ['{"id":"7f3a.0","sche', "x" * 200_000, '{"a": "\xff'])
async def test_what_a_killed_writer_left_of_a_line_is_taken_out(path: Path, events: Sequence[Event], left: str) -> None:
    await sink(path).deliver(events[:2])
    with path.open("ab") as file:
        file.write(left.encode("latin-1"))

    await sink(path).deliver(events[2:4])

    assert [line["seq"] for line in lines(path)] == [0, 1, 2, 3]


async def test_a_file_that_is_nothing_but_a_torn_line_begins_anew(path: Path, events: Sequence[Event]) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"id": "7f')

    await sink(path).deliver(events[:1])

    assert [line["seq"] for line in lines(path)] == [0]


async def test_a_last_line_that_only_lost_its_end_stays(path: Path, events: Sequence[Event]) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"note": "by hand"}')

    await sink(path).deliver(events[:1])

    assert lines(path)[0] == {"note": "by hand"}
    assert len(lines(path)) == 2


@given(cut=st.integers(min_value=0, max_value=5_000))
def test_wherever_a_writer_is_killed_every_line_is_whole_after_the_next(
    cut: int, tmp_path_factory: pytest.TempPathFactory, events: Sequence[Event]
) -> None:
    path = tmp_path_factory.mktemp("cut") / "events.jsonl"
    asyncio.run(sink(path).deliver(events[:3]))
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole))])

    asyncio.run(sink(path).deliver(events[:3]))

    found = [line["seq"] for line in lines(path)]
    assert found[-3:] == [0, 1, 2]
    assert found[:-3] == list(range(len(found) - 3))


async def test_a_full_disk_leaves_nothing_of_the_batch(
    path: Path, events: Sequence[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sink(path).deliver(events[:1])
    write = os.write

    def some_of_it(file: int, data: memoryview) -> int:
        write(file, bytes(data[:10]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(jsonl.os, "write", some_of_it)
    with pytest.raises(NotDelivered, match=r"events\.jsonl: No space left on device"):
        await sink(path).deliver(events[1:])
    monkeypatch.undo()

    assert [line["seq"] for line in lines(path)] == [0]


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, events: Sequence[Event]) -> None:
    (tmp_path / "file").write_text("")
    wrong = sink(tmp_path / "file" / "events.jsonl")

    for work in (wrong.deliver(events), wrong.check()):
        with pytest.raises(NotDelivered, match=r"file/events\.jsonl: "):
            await work


async def test_looking_whether_it_can_be_written_leaves_it_as_it_is(path: Path, events: Sequence[Event]) -> None:
    await sink(path).deliver(events)
    before = path.read_bytes()

    assert await sink(path).check() == f"{path} can be written"
    assert path.read_bytes() == before


async def test_two_writers_do_not_mix_their_lines(path: Path, events: Sequence[Event]) -> None:
    def threaded(rotate_bytes: int) -> JsonlSink:
        return JsonlSink(path, rotate_bytes=rotate_bytes, keep_files=50, in_thread=asyncio.to_thread)

    one, two = threaded(5_000), threaded(5_000)
    await asyncio.gather(*(each.deliver(events) for _ in range(10) for each in (one, two)))

    found = [line["id"] for each in path.parent.iterdir() for line in lines(each)]
    assert len(found) == 20 * len(events)
    assert set(found) == {f"{event.run_id}.{event.seq}" for event in events}
