"""Budgets in SQLite: a row for each page, and one for each page that a call which goes on counts on. Billionths of a dollar."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sqlite3 import Connection

from llmesc.escalation.budget import (
    PERIODS,
    Account,
    Claim,
    Over,
    Page,
    Reservation,
    Spent,
    begins_anew,
    from_nano,
    granted,
    nano_dollars,
    oldest_kept,
    over,
    period_name,
)
from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.state.projection import storable
from llmesc.state.settling import Hold, Keep, Settle, SettleRest, settling

TABLES = (
    "CREATE TABLE budget_pages (period TEXT NOT NULL, bucket TEXT NOT NULL, settled INTEGER NOT NULL,"
    " PRIMARY KEY (period, bucket)) WITHOUT ROWID",
    "CREATE TABLE budget_reservations (run_id TEXT NOT NULL, attempt INTEGER NOT NULL, period TEXT NOT NULL,"
    " bucket TEXT NOT NULL, reserved INTEGER NOT NULL, until REAL NOT NULL,"
    " PRIMARY KEY (run_id, attempt, period, bucket)) WITHOUT ROWID",
    # What lapsed stays until its period is forgotten, so that it can still be settled; it is never read on the way of a call.
    "CREATE INDEX budget_reservations_live ON budget_reservations (period, bucket, until, reserved)",
)

_NEVER = float("inf")


def spent(connection: Connection, accounts: Collection[Account] | None, now: Timestamp) -> dict[Account, Spent]:
    """What counts now; None: for every account that has a page now."""
    wanted = _open(connection, now) if accounts is None else accounts
    return {account: _on(connection, account, now) for account in wanted}


def reserve(connection: Connection, claim: Claim, now: Timestamp) -> Reservation | Over:
    """All of it or nothing, inside a transaction that holds the write lock."""
    passed = over(claim.dollars, claim.limits, spent(connection, claim.limits, now))
    if passed is not None:
        return passed
    reservation = granted(claim, now)
    _hold(connection, claim.run_id, claim.attempt, reservation)
    _forget(connection, now)
    return reservation


def settle(connection: Connection, run_id: str, events: Iterable[Event]) -> None:
    """Settles what the events of a run change, inside the transaction that records them."""
    changes = [change for event in events for change in settling(event)]
    if not changes or (not any(isinstance(change, Hold) for change in changes) and not _holds_any(connection, run_id)):
        return  # mostly no budget holds the call
    for change in changes:
        match change:
            case Hold(attempt, reservation):
                _hold(connection, run_id, attempt, reservation)
            case Settle(attempt, dollars):
                _settle(connection, "attempt = ?", (run_id, attempt), str(nano_dollars(dollars)))
            case Keep(attempt):
                connection.execute(
                    "UPDATE budget_reservations SET until = ? WHERE run_id = ? AND attempt = ?", (_NEVER, run_id, attempt)
                )
            case SettleRest():
                _settle(connection, "1", (run_id,), "reserved")


def _on(connection: Connection, account: Account, now: Timestamp) -> Spent:
    page = _stored(account.page(now))
    settled = connection.execute("SELECT settled FROM budget_pages WHERE (bucket, period) = (?, ?)", page).fetchone()
    (reserved,) = connection.execute(
        "SELECT COALESCE(SUM(reserved), 0) FROM budget_reservations WHERE (bucket, period) = (?, ?) AND until > ?", (*page, now)
    ).fetchone()
    return Spent(
        settled=from_nano(settled[0] if settled else 0),
        reserved=from_nano(reserved),
        begins_anew=begins_anew(account.period, now),
    )


def _holds_any(connection: Connection, run_id: str) -> bool:
    return connection.execute("SELECT 1 FROM budget_reservations WHERE run_id = ? LIMIT 1", (run_id,)).fetchone() is not None


def _hold(connection: Connection, run_id: str, attempt: int, reservation: Reservation) -> None:
    for page in map(_stored, reservation.pages):
        connection.execute("INSERT OR IGNORE INTO budget_pages (bucket, period, settled) VALUES (?, ?, 0)", page)
        connection.execute(
            "INSERT OR IGNORE INTO budget_reservations (run_id, attempt, bucket, period, reserved, until)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, attempt, *page, nano_dollars(reservation.dollars), reservation.until),
        )


def _settle(connection: Connection, which: str, parameters: tuple[str | int, ...], amount: str) -> None:
    where = f"run_id = ? AND {which}"
    held = connection.execute(
        f"SELECT bucket, period, {amount} FROM budget_reservations WHERE {where}",  # noqa: S608 - our own words
        parameters,
    ).fetchall()
    if not held:
        return
    connection.execute(f"DELETE FROM budget_reservations WHERE {where}", parameters)  # noqa: S608 - as above
    connection.executemany(
        "INSERT INTO budget_pages (bucket, period, settled) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET settled = settled + excluded.settled",
        held,
    )


def _open(connection: Connection, now: Timestamp) -> list[Account]:
    names = [period_name(period, now) for period in PERIODS]
    found = connection.execute("SELECT bucket, period FROM budget_pages WHERE period IN (?, ?)", names)
    return [Page(*row).account for row in found]


def _forget(connection: Connection, now: Timestamp) -> None:
    oldest = oldest_kept(now)
    if connection.execute("SELECT 1 FROM budget_pages WHERE period < ? LIMIT 1", (oldest,)).fetchone():
        for table in ("budget_pages", "budget_reservations"):
            connection.execute(f"DELETE FROM {table} WHERE period < ?", (oldest,))  # noqa: S608 - our own names


def _stored(page: Page) -> Page:
    return page._replace(bucket=storable(page.bucket))
