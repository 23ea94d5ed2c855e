"""What a worker has to say goes no faster than its reader takes it, in order, and ends once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmesc.engine.serving.outbox import (
    FIRST_PAUSE_SECONDS,
    HELD_PIECES,
    LONGEST_PAUSE_SECONDS,
    PART_CHARACTERS,
    NobodyWaits,
    Outbox,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.pieces import Finish, TextPiece
from llmesc.fleet.messages import Part

pytestmark = pytest.mark.anyio


class Reader:
    """Answers each part with the next of `words`, and then `ok`."""

    def __init__(self, *words: str) -> None:
        self._words = list(words)
        self.parts: list[Part] = []
        self.pauses: list[float] = []

    async def say(self, part: Part, content: bool) -> Any:
        word = self._words.pop(0) if self._words else "ok"
        assert content == any(isinstance(piece, TextPiece) for piece in part.pieces)
        if word == "ok":
            self.parts.append(part)
        return word

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def outbox(reader: Reader) -> Outbox:
    return Outbox("j", "w1", reader.say, reader.pause)


async def test_pieces_that_wait_together_travel_together_and_are_counted() -> None:
    reader = Reader()
    box = outbox(reader)
    for word in ("a", "b"):
        await box.put(TextPiece(word))
    delivering = asyncio.create_task(box.deliver())
    while not reader.parts:
        await asyncio.sleep(0)
    await box.put(Finish("stop"))
    box.end(None)
    await delivering

    assert [part.pieces for part in reader.parts] == [(TextPiece("a"), TextPiece("b")), (Finish("stop"),), ()]
    assert [part.number for part in reader.parts] == [0, 1, 2]
    assert [part.last for part in reader.parts] == [False, False, True]


async def test_what_comes_soon_after_content_travels_with_it_and_the_end_waits_for_nobody() -> None:
    reader = Reader()
    box = outbox(reader)
    await box.put(TextPiece("first"))
    delivering = asyncio.create_task(box.deliver())
    while not reader.parts:  # at once, though nothing came with it
        await asyncio.sleep(0)
    for word in ("a", "b", "c"):
        await box.put(TextPiece(word))
        await asyncio.sleep(0)
    box.end(None)
    await delivering

    assert [[piece.text for piece in part.pieces if isinstance(piece, TextPiece)] for part in reader.parts] == [
        ["first"],
        ["a", "b", "c"],
        [],
    ]


async def test_a_part_holds_no_more_than_its_characters() -> None:
    reader = Reader()
    box = outbox(reader)
    for _ in range(5):
        await box.put(TextPiece("x" * (PART_CHARACTERS // 2)))
    box.end(None)
    await box.deliver()

    assert [len(part.pieces) for part in reader.parts] == [2, 2, 1, 0]


async def test_a_reader_that_is_behind_is_tried_ever_more_slowly_and_gets_all() -> None:
    reader = Reader(*["full"] * 7)
    box = outbox(reader)
    await box.put(TextPiece("a"))
    box.end(None)
    await box.deliver()

    assert reader.pauses[0] == FIRST_PAUSE_SECONDS
    assert reader.pauses == sorted(reader.pauses)
    assert reader.pauses[-1] == LONGEST_PAUSE_SECONDS
    assert reader.parts[0].pieces == (TextPiece("a"),)


async def test_a_provider_that_is_ahead_waits() -> None:
    reader = Reader()
    box = outbox(reader)
    for _ in range(HELD_PIECES):
        await box.put(TextPiece("a"))
    ahead = asyncio.create_task(box.put(TextPiece("b")))
    await asyncio.sleep(0)
    assert not ahead.done()

    delivering = asyncio.create_task(box.deliver())
    await ahead
    box.end(None)
    await delivering
    assert sum(len(part.pieces) for part in reader.parts) == HELD_PIECES + 1


async def test_after_the_asker_has_left_nobody_is_held_up() -> None:
    reader = Reader("gone")
    box = outbox(reader)
    for _ in range(HELD_PIECES):
        await box.put(TextPiece("a"))
    ahead = asyncio.create_task(box.put(TextPiece("b")))
    with pytest.raises(NobodyWaits):
        await box.deliver()
    await ahead


async def test_how_it_ended_badly_is_told_last() -> None:
    reader = Reader()
    box = outbox(reader)
    failure = Failure(kind=FailureKind.SERVER_ERROR, rule="r", message="m")
    await box.put(TextPiece("a"))
    box.end(failure)
    await box.deliver()

    assert (reader.parts[-1].failure, reader.parts[-1].last) == (failure, True)
