"""A lock between processes: held through an open file, so that the lock of a dead process is free."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.1


@contextlib.asynccontextmanager
async def locked(path: Path, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Holds the lock of the file at `path`, which is made and stays. `on_wait` is called once where another holds it.

    Raises OSError where the file cannot be made or the file system knows no locks.
    """
    with path.open("ab") as file:
        if not _taken(file):
            on_wait()
            while not _taken(file):  # noqa: ASYNC110 - no event of ours tells that another process let go
                await asyncio.sleep(_POLL_SECONDS)
        # Closing the file lets go of the lock.
        yield


if sys.platform == "win32":
    import msvcrt

    def _taken(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _taken(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
