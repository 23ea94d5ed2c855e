"""One SQLite file: opened privately, set up once, written in short transactions, and never waited for with the event loop.

A statement takes some 30 µs, a hop to a thread and back more than that: so the work is done where it stands. Only a lock that
another process holds is waited for, by sleeping between attempts.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from llmesc.state.sqlite_links import BEFORE_THE_CHAIN, CHAIN_TABLES
from llmesc.state.sqlite_outbox import TABLES as _OUTBOX
from llmesc.state.sqlite_spending import TABLES as _SPENDING
from llmesc.state.store import StateUnavailable

T = TypeVar("T")

APPLICATION_ID = 0x6C6C6D65
"""`llme` in the file's header: this file is ours, and another program's is not set up by mistake."""

SCHEMA_VERSION = 4

_LATENCIES = "CREATE INDEX attempts_success ON attempts (ref, run) WHERE outcome = 'success'"
_STARTED = "CREATE INDEX attempts_started ON attempts (started_at)"
_HEDGED_AWAY = "CREATE INDEX attempts_hedged_away ON attempts (ref, run) WHERE kind = 'hedged_away'"
_JUDGED = "CREATE INDEX attempts_judged ON attempts (run) WHERE judge_ref IS NOT NULL"
_RETRY_BUDGETS = "CREATE TABLE retry_budgets (chain TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID"

_SCHEMA = (
    # `changed` counts every write of any circuit: who remembers the last one read asks for what came since.
    # `recent` stands apart from the rest of a circuit, see CircuitTable.
    """CREATE TABLE circuits (
        provider TEXT NOT NULL, instance TEXT NOT NULL, changed INTEGER NOT NULL, body TEXT NOT NULL, recent BLOB NOT NULL,
        PRIMARY KEY (provider, instance)) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX circuits_changed ON circuits (changed)",
    """CREATE TABLE denials (
        provider TEXT NOT NULL, instance TEXT NOT NULL, model TEXT NOT NULL, until REAL, body TEXT NOT NULL,
        PRIMARY KEY (provider, instance, model)) WITHOUT ROWID""",
    # `id` is the start in microseconds, made unique: newest first, and since when, need no index of their own.
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL, outcome TEXT,
        chain TEXT NOT NULL, prompt TEXT NOT NULL, answered_by TEXT, attempts INTEGER NOT NULL, cost TEXT, caller TEXT NOT NULL,
        input_tokens INTEGER, output_tokens INTEGER, primary_ref TEXT, judge_calls INTEGER, judges_cost TEXT,
        host TEXT NOT NULL, pid INTEGER NOT NULL, process_started INTEGER, alive_at REAL NOT NULL)""",
    "CREATE UNIQUE INDEX runs_run_id ON runs (run_id)",
    "CREATE INDEX runs_outcome ON runs (outcome)",
    """CREATE TABLE attempts (
        run INTEGER NOT NULL, attempt INTEGER NOT NULL, ref TEXT NOT NULL, provider TEXT NOT NULL, tier TEXT NOT NULL,
        move TEXT NOT NULL, started_at REAL NOT NULL, outcome TEXT, kind TEXT, duration_seconds REAL, first_token_seconds REAL,
        call_input_tokens INTEGER, call_output_tokens INTEGER, call_cost TEXT,
        judge_ref TEXT, judge_tier TEXT, judge_input_tokens INTEGER, judge_output_tokens INTEGER, judge_cost TEXT,
        PRIMARY KEY (run, attempt)) WITHOUT ROWID""",
    "CREATE INDEX attempts_provider ON attempts (provider, run)",
    _LATENCIES,
    _STARTED,
    _HEDGED_AWAY,
    _JUDGED,
    # One row for each unbroken stretch of events that was appended at once; the body is a JSON array.
    """CREATE TABLE events (
        run INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, body TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX events_run ON events (run, first_seq)",
    _RETRY_BUDGETS,
    *CHAIN_TABLES,
    *_SPENDING,
    *_OUTBOX,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_MIGRATIONS: Mapping[int, Sequence[str]] = {
    1: (
        "ALTER TABLE attempts ADD COLUMN first_token_seconds REAL",
        "ALTER TABLE runs ADD COLUMN input_tokens INTEGER",
        "ALTER TABLE runs ADD COLUMN output_tokens INTEGER",
        _LATENCIES,
        _RETRY_BUDGETS,
    ),
    2: (
        # No name that `runs` has too: an older llmesc that has the file open joins the two without saying whose it means.
        "ALTER TABLE attempts ADD COLUMN call_input_tokens INTEGER",
        "ALTER TABLE attempts ADD COLUMN call_output_tokens INTEGER",
        "ALTER TABLE attempts ADD COLUMN call_cost TEXT",
        "ALTER TABLE runs ADD COLUMN primary_ref TEXT",
        _STARTED,
        _HEDGED_AWAY,
        *_SPENDING,
        *_OUTBOX,
        # Of a run with one attempt everything is that attempt's. How the others' was shared out is told by their events alone.
        "UPDATE attempts SET (call_input_tokens, call_output_tokens, call_cost) = "
        "(SELECT input_tokens, output_tokens, cost FROM runs WHERE id = run) "
        "WHERE run IN (SELECT id FROM runs WHERE attempts = 1)",
        *CHAIN_TABLES,
        BEFORE_THE_CHAIN,
    ),
    3: (
        *(
            f"ALTER TABLE {table} ADD COLUMN {column}"
            for table, column in (
                ("attempts", "judge_ref TEXT"),
                ("attempts", "judge_tier TEXT"),
                ("attempts", "judge_input_tokens INTEGER"),
                ("attempts", "judge_output_tokens INTEGER"),
                ("attempts", "judge_cost TEXT"),
                ("runs", "judge_calls INTEGER"),
                ("runs", "judges_cost TEXT"),
            )
        ),
        _JUDGED,
    ),
}
"""What leads from each older schema to the next. Only ever adds, so that a process of an older llmesc that has the file open goes
on as before."""

_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.025


class Database:
    """The connection to one file. Every method raises `StateUnavailable`, whatever goes wrong."""

    def __init__(self, path: Path, *, busy_seconds: float, random: Callable[[], float]) -> None:
        self.path = path
        self._place = os.fspath(path)
        self._busy_seconds = busy_seconds
        self._random = random
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        """Which file that is a connection to: another may have come to lie at the path."""
        self._is_open = False

    async def open(self) -> None:
        """Connects, and makes the file where there is none. Refuses a file of another program or of a newer version."""
        self._connection = await self._patiently(self._connect)
        self._is_open = True

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` makes of the connection; it may be called again after a wait."""
        try:
            return work(self._open_connection())
        except sqlite3.Error as error:
            return await self._again(lambda: work(self._open_connection()), error)

    async def glance(self, work: Callable[[Connection], T]) -> T:
        """As `read`, without a look at which file lies at the path, which takes half as long as a short statement: for what runs
        ask between the reads and writes that do look.
        """
        try:
            return work(self._connection or self._open_connection())
        except sqlite3.Error as error:
            return await self._again(lambda: work(self._open_connection()), error)

    async def write(self, work: Callable[[Connection], T], *, busy_seconds: float | None = None) -> T:
        """As `read`, in a transaction that holds the write lock from its beginning. All of it happens or nothing. A lock that
        another process holds is waited for as long as for any other, or for `busy_seconds`.
        """
        try:
            return in_transaction(self._open_connection(), work)
        except sqlite3.Error as error:
            return await self._again(lambda: in_transaction(self._open_connection(), work), error, busy_seconds)

    def write_at_once(self, work: Callable[[Connection], T]) -> T:
        """As `write`, without a wait for a lock that another process holds."""
        try:
            return in_transaction(self._open_connection(), work)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def try_write(self) -> None:
        """Writes more than the file has room for within, and takes it back."""
        await self.read(_write_and_take_back)

    def close(self) -> None:
        """Closes the connection; the last one to do so tidies up the log beside the file."""
        self._is_open = False
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open_connection(self) -> Connection:
        """To the file that lies at the path now: one that was deleted or moved away would be read for ever without an error."""
        if not self._is_open:
            raise StateUnavailable(f"{self.path}: closed")
        lies_there = _identity(self._place)
        if self._connection is not None and lies_there == self._file:
            return self._connection
        self._let_go()
        if lies_there is None:
            raise StateUnavailable(f"{self.path}: is gone, deleted or moved away; the next request makes a new one")
        self._connection = self._connect()
        return self._connection

    async def _patiently(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            return await self._again(work, error)

    async def _again(self, work: Callable[[], T], error: sqlite3.Error, busy_seconds: float | None = None) -> T:
        """Once more, and once more, while it is a lock that was in the way."""
        pause, waited = _FIRST_PAUSE_SECONDS, 0.0
        longest = self._busy_seconds if busy_seconds is None else busy_seconds
        while True:
            if not _is_lock(error) or waited >= longest:
                raise self._unavailable(error) from error
            import asyncio

            jittered = pause * (0.5 + self._random())
            await asyncio.sleep(jittered)
            waited += jittered
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            try:
                return work()
            except sqlite3.Error as again:
                error = again

    def _connect(self) -> Connection:
        self._make_private()
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._file = _identity(self._place)
        return connection

    def _make_private(self) -> None:
        """The file, readable and writable by its owner alone; what SQLite makes beside it takes over that mode."""
        try:
            if self.path.exists():
                self._take_back_mode()
            else:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StateUnavailable(f"{self.path}: cannot be made: {error.strerror}") from error

    def _take_back_mode(self) -> None:
        for path in (self.path, *(self.path.with_name(self.path.name + suffix) for suffix in ("-wal", "-shm"))):
            try:
                if path.stat().st_mode & 0o077:
                    path.chmod(0o600)
            except OSError:  # not there, or not ours to change
                continue

    def _prepare(self, connection: Connection) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine may cost the last moments, never the file
        if _is_empty(connection):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # what is pruned can be given back, a little at a time
            connection.execute("PRAGMA journal_mode = WAL")
            in_transaction(connection, _create)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StateUnavailable(f"{self.path}: is a database of another program; name another file as state")
        if version > SCHEMA_VERSION:
            raise StateUnavailable(
                f"{self.path}: was written by a newer llmesc (schema {version}); this one knows schema {SCHEMA_VERSION}: "
                "upgrade llmesc, or name another file as state"
            )
        if version < SCHEMA_VERSION:
            in_transaction(connection, _migrate)

    def _unavailable(self, error: sqlite3.Error) -> StateUnavailable:
        code = _primary_code(error)
        if _is_lock(error):
            problem = f"locked by another process for longer than {self._busy_seconds:g} s"
        elif code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            problem = f"damaged ({error}); move it away, and the next call makes a new one: mv {self.path} {self.path}.damaged"
        elif code == sqlite3.SQLITE_READONLY:
            problem = "cannot be written; check its owner and mode, and those of its folder"
        elif code == sqlite3.SQLITE_FULL:
            problem = "cannot grow: the disk or the quota is full; make room"
        elif code == sqlite3.SQLITE_CANTOPEN:
            problem = "cannot be opened; check its owner and mode, and those of its folder"
        else:
            problem = str(error)
        return StateUnavailable(f"{self.path}: {problem}")


def in_transaction(connection: Connection, work: Callable[[Connection], T]) -> T:
    """Runs `work` holding the write lock. Reading first and asking for the lock later could fail half way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise
    return result


def _write_and_take_back(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("INSERT INTO events (run, first_seq, last_seq, body) VALUES (0, 0, 0, ?)", ("-" * 65_536,))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _identity(place: str) -> tuple[int, int] | None:
    """Which file it is; None where there is none that can be looked at."""
    try:
        found = os.stat(place)  # noqa: PTH116 - before every statement, and a path takes twice as long
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_empty(connection: Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _create(connection: Connection) -> None:
    if _is_empty(connection):  # or another process was faster
        for statement in _SCHEMA:
            connection.execute(statement)


def _migrate(connection: Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()  # another process may have been faster
    for older in range(version, SCHEMA_VERSION):
        for statement in _MIGRATIONS[older]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_lock(error: sqlite3.Error) -> bool:
    return _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
