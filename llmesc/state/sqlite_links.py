"""The links of the hash chain over what is recorded in SQLite: each carries the digest of all that was written before it.

A link is made in the transaction that writes its events, from the bytes that are stored; `sqlite_chain` walks them.
"""

from __future__ import annotations

from hashlib import sha256
from json.encoder import encode_basestring_ascii as json_text
from sqlite3 import Connection

CHAIN_TABLES = (
    # No column is named as one of `runs`, `attempts` or `events` is: an older llmesc joins those without saying whose it means.
    "CREATE TABLE links (position INTEGER PRIMARY KEY, link_run TEXT, link_seq INTEGER, link_digest BLOB NOT NULL)",
    "CREATE TABLE prunes (prune_position INTEGER PRIMARY KEY, prune_record TEXT NOT NULL)",
)
"""`link_run` and `link_seq` find the events; both are NULL where the link is of a record in `prunes`."""

BEFORE_THE_CHAIN = "INSERT INTO prunes VALUES (0, 'migrated')"
"""In a file that has runs already: without it, all events have to be on the chain."""

NO_DIGEST = bytes(32)
"""Before the first link."""

Head = tuple[int, bytes]
"""Position and digest of the last link; of none at all, 0 and `NO_DIGEST`."""

_HEAD = "SELECT position, link_digest FROM links WHERE position = (SELECT max(position) FROM links)"


def head(connection: Connection) -> Head:
    """As it stands in the file."""
    row = connection.execute(_HEAD).fetchone()
    return (0, NO_DIGEST) if row is None else (row[0], digest_of(row[1]))


def digest_of(stored: object) -> bytes:
    """What stands in the file as a digest; `NO_DIGEST` where that is none, which then does not fit."""
    return stored if isinstance(stored, bytes) and len(stored) == len(NO_DIGEST) else NO_DIGEST


def add_link(connection: Connection, before: Head, run_id: str, first: int, last: int, body: str) -> Head:
    """Adds the link of events that are being written behind the `head`; the head that it is now. Inside the transaction."""
    position, digest = before[0] + 1, events_digest(before[1], run_id, first, last, body)
    connection.execute("INSERT INTO links VALUES (?, ?, ?, ?)", (position, run_id, first, digest))
    return position, digest


def link_prune(connection: Connection, record: str) -> None:
    """Adds the link of a record of what was let go. Inside the transaction."""
    position, before = head(connection)
    connection.execute("INSERT INTO links VALUES (?, NULL, NULL, ?)", (position + 1, prune_digest(before, record)))
    connection.execute("INSERT INTO prunes VALUES (?, ?)", (position + 1, record))


def events_digest(before: bytes, run_id: str, first: int, last: int, body: str) -> bytes:
    """Of a piece of events behind `before`."""
    return sha256(before + f'["events", {json_text(run_id)}, {first}, {last}]\n{body}'.encode()).digest()


def prune_digest(before: bytes, record: str) -> bytes:
    """Of a record of what was let go behind `before`."""
    return sha256(before + b'["prune"]\n' + record.encode()).digest()
