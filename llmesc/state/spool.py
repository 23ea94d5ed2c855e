"""Events that no store took: kept as JSON lines, one for each append, in a file of each process, until a store takes them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.events import Event
from llmesc.escalation.times import Clock
from llmesc.state.process import Process, is_running, this_process

ABANDONED_SECONDS = 86_400.0
"""A file of a process that cannot be looked at (another host, or this one under another name) is taken after this silence."""

_numbers = count()


class Spool:
    """A folder of such files. Each is named by its process; who takes one over renames it to a name of its own first, so that two
    never replay the same file, and a third can take it over in turn.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory = directory
        self._clock = clock
        self._process = this_process()
        self._path = self._new_path()

    def write(self, events: Sequence[Event]) -> None:
        """Adds one line. Raises OSError, and leaves no half line behind then."""
        line = json.dumps([encode_event(event) for event in events], separators=(",", ":")).encode() + b"\n"
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            try:
                if os.write(file, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)

    def waiting(self) -> int:
        """How many files are there, of whatever process."""
        return sum(1 for _ in self.directory.glob("*.jsonl"))

    def take(self) -> list[Path]:
        """The files of this process and of dead ones, taken over, in the order they were written. `delete` each after its replay;
        until then it is taken again. Raises OSError.
        """
        taken = []
        for path in sorted(self.directory.glob("*.jsonl")):
            mine = self._new_path()
            with suppress(FileNotFoundError):  # somebody else was faster
                if self._is_free(path):
                    path.rename(mine)
                    taken.append(mine)
        self._path = self._new_path()  # what is written from now on comes after them
        return taken

    @staticmethod
    def read(path: Path) -> Iterator[Sequence[Event]]:
        """What was appended, line by line. A line that was cut short by a crash, and events of unknown types, are left out."""
        with path.open("rb") as lines:
            for line in lines:
                try:
                    events = [decode_event(event) for event in json.loads(line)]
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
                yield [event for event in events if event is not None]

    @staticmethod
    def delete(path: Path) -> None:
        """After everything in it was delivered."""
        path.unlink(missing_ok=True)

    def _new_path(self) -> Path:
        host, pid, started = self._process
        return self.directory / f"{host}.{pid}.{started or 0}.{next(_numbers):06}.jsonl"

    def _is_free(self, path: Path) -> bool:
        try:
            host, pid, started, _, _ = path.name.rsplit(".", 4)
            owner = Process(host, int(pid), int(started) or None)
        except ValueError:  # no file of ours
            return False
        alive = owner != self._process and is_running(owner)
        if alive is None:
            return self._clock.now() - path.stat().st_mtime > ABANDONED_SECONDS
        return not alive
