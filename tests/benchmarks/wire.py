"""What llmesc says to a Redis, taken down as it says it, and said again by as many as one likes, as fast as the server answers.

The bytes are those of a real engine; whoever says them again is no Python client, whose own time would be the limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import re
import selectors
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

Command = tuple[bytes, ...]


class Said(NamedTuple):
    """One command, and when it was said, in seconds from the first."""

    at_seconds: float
    command: Command


@dataclass
class Tap:
    """A port in front of a server that takes down what clients send."""

    port: int = 0
    heard: list[tuple[float, Command]] = field(default_factory=list)

    def take(self) -> list[Said]:
        """What was said since the last time, in order."""
        heard, self.heard = sorted(self.heard), []
        return [Said(at - heard[0][0], command) for at, command in heard]


@asynccontextmanager
async def tapped(server_port: int) -> AsyncIterator[Tap]:
    """A tap in front of the server at that port of this machine."""
    tap = Tap()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listens: bool) -> None:
        held = b""
        while data := await reader.read(65_536):
            writer.write(data)
            if listens:
                held += data
                while (found := read_command(held)) is not None:
                    command, held = found
                    tap.heard.append((time.perf_counter(), command))
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server_port)
        with contextlib.suppress(asyncio.CancelledError):  # when the tap is closed
            await asyncio.gather(pump(reader, back, True), pump(there, writer, False), return_exceptions=True)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as end:
        tap.port = end.sockets[0].getsockname()[1]
        yield tap


def read_command(data: bytes) -> tuple[Command, bytes] | None:
    """The first command in `data`, and what comes behind it; None where it is not whole."""
    if (line_end := data.find(b"\r\n")) < 0:
        return None
    parts, position = [], line_end + 2
    for _ in range(int(data[1:line_end])):
        if (line_end := data.find(b"\r\n", position)) < 0:
            return None
        start = line_end + 2
        position = start + int(data[position + 1 : line_end]) + 2
        if len(data) < position:
            return None
        parts.append(data[start : position - 2])
    return tuple(parts), data[position:]


def written(command: Command) -> bytes:
    """As it goes over the wire."""
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)


def answer_end(data: bytes, start: int = 0) -> int | None:
    """Where the answer that begins at `start` ends; None where it is not whole."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, position = data[start : start + 1], line_end + 2
    if kind in b"+-:":
        return position
    size = int(data[start + 1 : line_end])
    if kind == b"$":
        position += 0 if size < 0 else size + 2
        return position if position <= len(data) else None
    for _ in range(max(0, size)):
        found = answer_end(data, position)
        if found is None:
            return None
        position = found
    return position


@dataclass(frozen=True, slots=True)
class Part:
    """What one of those who speak says, over and over: `marks` are replaced, by texts as long, that differ with each round."""

    said: Sequence[Said]
    run_mark: bytes = b""
    began_mark: bytes = b""
    """When the run began, in microseconds: no two did at once."""
    field_mark: bytes = b""
    old_tag: bytes = b""
    new_tag: bytes = b""

    def rounds(self, speaker: int, turn: int) -> list[tuple[float, bytes]]:
        """When and what, in the turn of that number; a compare-and-set finds what the turn before has set."""
        changes = [
            (self.run_mark, f"{speaker:06x}{turn:06x}".encode()),
            (self.began_mark, b"%d" % (int(self.began_mark or 0) + turn * 1_000_000 + speaker)),
            (self.field_mark, speaker_field(self.field_mark, speaker)),
            (self.old_tag, f"{turn:032x}".encode()),
            (self.new_tag, f"{turn + 1:032x}".encode()),
        ]
        told = []
        for at_seconds, command in self.said:
            text = written(command)
            for mark, put in changes:
                if mark:
                    text = text.replace(mark, put)
            told.append((at_seconds, text))
        return told


def speaker_field(mark: bytes, speaker: int) -> bytes:
    """A circuit of that speaker's own, as long as the one it stands for."""
    return mark[:-6] + f"{speaker:06d}".encode() if mark else b""


_REFUSED = re.compile(rb"-|\*\d+\r\n(?:\$\d+\r\n\d+\r\n){2}\$5\r\n(?:moved|clock|there)\r\n")
"""An error, or a script that asks for the same once more."""


@dataclass
class Counted:
    """What one process got done."""

    commands: int = 0
    rounds: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    refused: bytes = b""
    """The first answer that says no."""
    late_seconds: float = 0.0
    """The longest that a command waited for the answer to the one before, where there is a pace to keep."""


@dataclass
class _Speaker:
    number: int
    socket: socket.socket
    due: list[tuple[float, bytes]] = field(default_factory=list)
    began: float = 0.0
    turn: int = 0
    held: bytes = b""
    waits: bool = False


def speak(
    port: int, part: Part, numbers: Sequence[int], seconds: float, *, paced: bool, warm_up: Sequence[bytes] = ()
) -> Counted:
    """Says `part` by one connection for each of `numbers`, for so long. `paced`: each command at its own time, speakers spread
    over the length of a round; else each as soon as the one before is answered. `warm_up` is said first, by each.
    """
    counted, selector = Counted(), selectors.EpollSelector()
    length = part.said[-1].at_seconds + 0.001
    started = time.perf_counter()
    speakers, waiting = [], list[tuple[float, int]]()
    for index, number in enumerate(numbers):
        own = socket.create_connection(("127.0.0.1", port))
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for text in warm_up:
            own.sendall(text.replace(part.field_mark, speaker_field(part.field_mark, number)) if part.field_mark else text)
            own.recv(65_536)
        own.setblocking(False)
        speakers.append(_Speaker(number, own))
        selector.register(own, selectors.EVENT_READ, index)
    started = time.perf_counter()
    for index, speaker in enumerate(speakers):
        speaker.began = started + (length * index / len(speakers) if paced else 0.0)
        heapq.heappush(waiting, (speaker.began, index))
    ends = started + seconds
    while (now := time.perf_counter()) < ends:
        while waiting and waiting[0][0] <= now:
            due, index = heapq.heappop(waiting)
            counted.late_seconds = max(counted.late_seconds, now - due) if paced else 0.0
            _say(speakers[index], part, counted)
        pause = min(ends, waiting[0][0] if waiting else ends) - now
        for key, _ in selector.select(max(0.0, pause)):
            speaker = speakers[key.data]
            speaker.held += speaker.socket.recv(1 << 18)
            end = answer_end(speaker.held)
            if end is None:
                continue
            counted.commands += 1
            counted.bytes_in += len(speaker.held)
            if _REFUSED.match(speaker.held):
                counted.refused = counted.refused or speaker.held[:200]
            speaker.held = b""
            if not speaker.due:
                counted.rounds += 1
                speaker.turn += 1
                speaker.began += length
            if not paced:
                _say(speaker, part, counted)
                continue
            at = speaker.began + speaker.due[0][0] if speaker.due else speaker.began
            heapq.heappush(waiting, (at, key.data))
    for speaker in speakers:
        speaker.socket.close()
    return counted


def _say(speaker: _Speaker, part: Part, counted: Counted) -> None:
    if not speaker.due:
        speaker.due = part.rounds(speaker.number, speaker.turn)
    _, text = speaker.due.pop(0)
    speaker.socket.send(text)
    counted.bytes_out += len(text)
