"""Takes a state away from under its processes, and brings it back as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from tests.redis_server import RedisServer

_PART = 0.06
"""Of the processes live without their state."""


class Outages(Protocol):
    """Of one kind of state."""

    longest_life_seconds: Mapping[str, float]
    """By the way in which it is away: how long a process may live meanwhile."""

    def way(self, drawn: float) -> str | None:
        """Whether and how it is away, by a number in [0, 1)."""
        ...

    def away(self, way: str) -> AbstractContextManager[None]:
        """Away while it is entered."""
        ...


def _drawn(drawn: float, ways: Mapping[str, float]) -> str | None:
    return list(ways)[int(drawn / _PART * len(ways))] if drawn < _PART else None


class SqliteOutages:
    """Something else stands at its place, or another program holds its lock."""

    longest_life_seconds: Mapping[str, float] = {"replaced": 0.25, "locked": 1.6}  # a lock is waited for, for a second

    def __init__(self, path: Path) -> None:
        self._path = path

    def way(self, drawn: float) -> str | None:
        """Not before it was made."""
        return _drawn(drawn, self.longest_life_seconds) if self._path.exists() else None

    def away(self, way: str) -> AbstractContextManager[None]:
        """See `Outages`."""
        return self._locked() if way == "locked" else self._replaced()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        aside = self._path.with_name("aside")
        aside.mkdir(exist_ok=True)
        moved = [file for file in self._path.parent.glob(f"{self._path.name}*") if file.is_file()]
        for file in moved:
            file.rename(aside / file.name)
        self._path.mkdir()
        try:
            yield
        finally:
            self._path.rmdir()
            for file in moved:
                (aside / file.name).rename(file)


class RedisOutages:
    """It keeps its connections and answers nothing."""

    longest_life_seconds: Mapping[str, float] = {"paused": 1.6}  # opening it is tried for 0.8 s

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def way(self, drawn: float) -> str | None:
        """At any time."""
        return _drawn(drawn, self.longest_life_seconds)

    @contextmanager
    def away(self, way: str) -> Iterator[None]:
        """See `Outages`."""
        self._server.pause()
        try:
            yield
        finally:
            self._server.resume()
