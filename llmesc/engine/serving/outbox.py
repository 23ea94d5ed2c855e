"""What a worker has to say to one asker, and how fast: no more lies unread than its reader can take, here and in Redis."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Literal

from llmesc.escalation.failures import Failure
from llmesc.escalation.pieces import Content, Piece, TextPiece, ThinkingPiece, ToolCallPiece
from llmesc.fleet.messages import Part

Say = Callable[[Part, bool], Awaitable[Literal["ok", "full", "gone"]]]
"""Sends one part; whether it holds content."""

HELD_PIECES = 256
"""Pieces that a provider may be ahead of what could be sent before it waits."""

PART_CHARACTERS = 64 * 1024
"""A part that has so many is sent without more."""

TOGETHER_SECONDS = 0.04
"""After a part with content, tokens gather for so long: 25 parts a second read as a stream, and each costs the Redis as much as a
part of many.
"""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.5
"""How long to wait before a reader that is behind is tried again: doubled from the one to the other."""


class NobodyWaits(Exception):
    """The asker has left, or another worker answers it."""


class Outbox:
    """Of one answer. `deliver` runs beside whoever puts pieces in."""

    def __init__(self, job: str, worker: str, say: Say, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._job = job
        self._worker = worker
        self._say = say
        self._pause = pause
        self._held: deque[Piece] = deque()
        self._number = 0
        self._ending: tuple[Failure | None] | None = None
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._hurry = asyncio.Event()
        self._over = False

    async def put(self, piece: Piece) -> None:
        """Takes a piece; waits while too many are held. After the asker has left they are dropped."""
        while len(self._held) >= HELD_PIECES and not self._over:
            self._room.clear()
            await self._room.wait()
        self._held.append(piece)
        self._changed.set()
        if len(self._held) >= HELD_PIECES // 2:
            self._hurry.set()

    def end(self, failure: Failure | None) -> None:
        """Nothing more comes; `failure`: why not, where it ended badly."""
        self._ending = (failure,)
        self._changed.set()
        self._hurry.set()

    async def deliver(self) -> None:
        """Sends what is there, whenever something is, until the end is told. Raises `NobodyWaits`, and what `say` raises."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                while pieces := self._taken():
                    await self._send(pieces, last=False, failure=None)
                    if any(isinstance(piece, Content) for piece in pieces):
                        await self._gather()
                if self._ending is not None:
                    await self._send((), last=True, failure=self._ending[0])
                    return
        finally:
            self._over = True
            self._held.clear()
            self._room.set()

    async def _gather(self) -> None:
        """Until more has come together, or much has, or the end is told."""
        if self._ending is None:
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(TOGETHER_SECONDS):
                    await self._hurry.wait()

    def _taken(self) -> Sequence[Piece]:
        """As many as one part holds."""
        taken: list[Piece] = []
        characters = 0
        while self._held and characters < PART_CHARACTERS:
            piece = self._held.popleft()
            taken.append(piece)
            characters += _length(piece)
        if len(self._held) < HELD_PIECES:
            self._room.set()
        return taken

    async def _send(self, pieces: Sequence[Piece], *, last: bool, failure: Failure | None) -> None:
        part = Part(job=self._job, worker=self._worker, number=self._number, pieces=tuple(pieces), failure=failure, last=last)
        self._number += 1
        pause_seconds = FIRST_PAUSE_SECONDS
        while (word := await self._say(part, any(isinstance(piece, Content) for piece in pieces))) == "full":
            await self._pause(pause_seconds)
            pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        if word == "gone":
            raise NobodyWaits


def _length(piece: Piece) -> int:
    match piece:
        case TextPiece(text=text) | ThinkingPiece(text=text):
            return len(text)
        case ToolCallPiece(arguments=arguments):
            return len(arguments)
        case _:
            return 1
