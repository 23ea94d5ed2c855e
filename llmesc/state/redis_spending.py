"""Budgets in Redis: a hash for each page, with what is settled there and what calls that go on have reserved, and one for each
run that has any. Billionths of a dollar.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from llmesc.escalation.budget import (
    KEPT_DAYS,
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
    over,
    period_name,
)
from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.state.projection import storable
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_time import ServerTime
from llmesc.state.settling import Hold, Keep, Settle, SettleRest, settling
from llmesc.state.store import StateUnavailable

_KEEP_SECONDS = KEPT_DAYS * 86_400

_TRIES = 5

_SETTLED = b"settled"
"""The field of a page that is no reservation."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class SpendingPages:
    """What is spent and reserved, of all hosts. Days and months are the server's."""

    def __init__(self, connection: RedisConnection, time: ServerTime, seconds: float) -> None:
        self._connection = connection
        self._time = time
        self._seconds = seconds

    async def spent(self, accounts: Collection[Account] | None) -> dict[Account, Spent]:
        """What counts now; None: for every account that has a page now."""
        wanted = await self._open() if accounts is None else tuple(accounts)
        if not wanted:
            return {}
        pages = [account.page(self._time.now()) for account in wanted]
        seconds = PATIENT_SECONDS if accounts is None else self._seconds
        found = (await self._connection.run("look", [_key(page) for page in pages], (), seconds))[1:]
        return dict(self._told(wanted, found))

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing, in one round trip."""
        for _ in range(_TRIES):
            if (answer := await self._reserved(claim)) is not None:
                return answer
        raise StateUnavailable(f"{self._connection.place}: what is reserved changes faster than it can be read")

    async def _reserved(self, claim: Claim) -> Reservation | Over | None:
        """None where what stood in the way has lapsed since the server looked at it."""
        now = self._time.now()
        reservation = granted(claim, now)
        run_id = storable(claim.run_id)
        arguments: list[str | bytes | int] = [
            claim.attempt,
            nano_dollars(reservation.dollars),
            repr(float(reservation.until)),
            _note(reservation),
            f"{run_id}.{claim.attempt}",
            _KEEP_SECONDS,
        ]
        for page, limit in zip(reservation.pages, claim.limits.values(), strict=True):
            arguments += ["" if limit is None else str(limit * 1_000_000_000), f"pages:{page.period}", storable(page.bucket)]
        keys = (f"reserved:{run_id}", *map(_key, reservation.pages))
        answer, *pages = await self._connection.run("reserve", keys, arguments, self._seconds)
        if answer == b"over":
            return over(claim.dollars, claim.limits, dict(self._told(tuple(claim.limits), pages)))
        return reservation

    async def _open(self) -> Sequence[Account]:
        names = [period_name(period, self._time.now()) for period in PERIODS]
        found = await self._connection.run("look", [f"pages:{name}" for name in names], (), PATIENT_SECONDS)
        return [Page(name.decode(), period).account for period, flat in zip(names, found[1:], strict=True) for name in flat[::2]]

    def _told(self, accounts: Sequence[Account], pages: Sequence[Sequence[bytes]]) -> Iterator[tuple[Account, Spent]]:
        """As they stand, the moments as this host's clock has them."""
        now = self._time.now()
        for account, flat in zip(accounts, pages, strict=True):
            spent = _read(dict(zip(flat[::2], flat[1::2], strict=True)), account, now)
            yield account, replace(spent, begins_anew=Timestamp(spent.begins_anew - self._time.ahead_seconds))


def writes(event: Event) -> Iterator[Sequence[Any]]:
    """What `event` means here, as `redis_history` has it."""
    run_id = storable(event.run_id)
    key = f"reserved:{run_id}"
    for change in settling(event):
        match change:
            case Hold(attempt, reservation):
                held = nano_dollars(reservation.dollars), repr(float(reservation.until))
                pages = [
                    part for page in reservation.pages for part in (_key(page), f"pages:{page.period}", storable(page.bucket))
                ]
                yield "hold", key, attempt, f"{run_id}.{attempt}", *held, _note(reservation), _KEEP_SECONDS, *pages
            case Settle(attempt, dollars):
                yield "settle", key, attempt, f"{run_id}.{attempt}", nano_dollars(dollars)
            case Keep(attempt):
                yield "keep", key, attempt, f"{run_id}.{attempt}"
            case SettleRest():
                yield "settle_rest", key, f"{run_id}."


def _key(page: Page) -> str:
    return f"page:{page.period}:{storable(page.bucket)}"


def _note(reservation: Reservation) -> str:
    """What is to be known of a reservation when it is settled: the amount, and the keys of its pages."""
    return _to_json([str(nano_dollars(reservation.dollars)), *map(_key, reservation.pages)])


def _read(fields: dict[bytes, bytes], account: Account, now: Timestamp) -> Spent:
    settled, reserved = 0, 0
    for name, value in fields.items():
        amount, _, until = value.partition(b" ")
        with suppress(ValueError):  # another version wrote it, or a person
            if name == _SETTLED:
                settled = int(amount)
            elif float(until) > now:
                reserved += int(amount)
    return Spent(settled=from_nano(settled), reserved=from_nano(reserved), begins_anew=begins_anew(account.period, now))
