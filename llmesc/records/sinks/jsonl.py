"""A file of JSON lines, put aside when it is large. Whole lines only, also when a writer is killed in the middle of one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from llmesc.escalation.events import Event
from llmesc.records.sinks.base import InThread, NotDelivered, items

if sys.platform == "win32":

    def _lock(_file: int) -> None:
        """There the lease alone keeps writers apart."""

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


_TAIL_BYTES = 64 * 1024
"""Read at once when looking for the end of the last whole line."""

_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class JsonlSink:
    """Appends, and confirms a batch when it is on disk: one fsync for each, and one of the folder when a file is made.

    A file that would grow beyond `rotate_bytes` is renamed first, to `NAME.1`, the one before to `NAME.2`, and so on; the oldest
    beyond `keep_files` goes. A batch that does not reach the disk whole is taken back, and what a killed writer left of a line
    is taken out by the next one: that line was not confirmed, so it comes again.
    """

    def __init__(self, path: Path, *, rotate_bytes: int, keep_files: int, in_thread: InThread[None]) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._keep_files = keep_files
        self._in_thread = in_thread

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def deliver(self, events: Sequence[Event]) -> None:
        """See the class."""
        data = "".join(f"{_to_json(item)}\n" for item in items(events)).encode("utf-8", "replace")
        try:
            await self._in_thread(lambda: self._append(data))
        except OSError as error:
            raise NotDelivered(f"{self._path}: {error.strerror or error}") from None

    async def check(self) -> str:
        """Whether it can be written; makes the file, and leaves it as it is."""
        try:
            await self._in_thread(self._touch)
        except OSError as error:
            raise NotDelivered(f"{self._path}: {error.strerror or error}") from None
        return f"{self._path} can be written"

    async def aclose(self) -> None:
        """No file is held open."""

    def _touch(self) -> None:
        os.close(self._open())

    def _open(self) -> int:
        """The file, held alone: a writer whose lease ran out may still be at it. Closing it lets go."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                _lock(file)
                if _is_at(file, self._path):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # it was put aside meanwhile

    def _append(self, data: bytes) -> None:
        file = self._open()
        try:
            size = _repaired(file)
            if size and size + len(data) > self._rotate_bytes:
                self._rotate()  # while it is held, so that no other writer does the same
                fresh = self._open()
                os.close(file)
                file, size = fresh, _repaired(fresh)
            if size == 0:
                self._sync_folder()
            try:
                _write_all(file, data)
                os.fsync(file)
            except OSError:
                os.ftruncate(file, size)  # a full disk: nothing of the batch is there, and all of it comes again
                raise
        finally:
            os.close(file)

    def _rotate(self) -> None:
        for number in range(self._keep_files - 1, 0, -1):
            aside = self._aside(number)
            if aside.exists():
                aside.replace(self._aside(number + 1))
        self._path.replace(self._aside(1))

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _sync_folder(self) -> None:
        if os.name == "nt":  # there a folder cannot be opened
            return
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _repaired(file: int) -> int:
    """The size of the file once it ends with a whole line. A last line without its end that is JSON gets one (an editor took it);
    any other was torn, and is taken out.
    """
    size = os.fstat(file).st_size
    if size == 0:
        return 0
    start, tail = size, b""
    while start > 0 and b"\n" not in tail:
        step = min(_TAIL_BYTES, start)
        start -= step
        os.lseek(file, start, os.SEEK_SET)
        tail = os.read(file, step) + tail
    torn = tail.rpartition(b"\n")[2]
    if not torn:
        return size
    try:
        json.loads(torn)
    except ValueError:
        os.ftruncate(file, size - len(torn))
        return size - len(torn)
    _write_all(file, b"\n")
    return size + 1
