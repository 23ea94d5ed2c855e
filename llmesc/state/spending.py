"""What is spent and reserved, in the memory of one process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from llmesc.escalation.budget import (
    PERIODS,
    Account,
    Claim,
    Over,
    Page,
    Reservation,
    Spent,
    begins_anew,
    granted,
    oldest_kept,
    over,
    period_name,
)
from llmesc.escalation.events import Event
from llmesc.escalation.times import Timestamp
from llmesc.state.settling import Hold, Keep, Settle, SettleRest, settling

_NEVER = Timestamp(float("inf"))


class SpendingBook:
    """Pages with what is settled there, and what is held for calls that go on."""

    def __init__(self) -> None:
        self._settled: dict[Page, Decimal] = {}
        self._held: dict[tuple[str, int], Reservation] = {}
        """By run and attempt."""

    def seed(self, spent: Mapping[Page, Decimal]) -> None:
        """Takes over what another store knew to be spent there, where that is more."""
        for page, dollars in spent.items():
            self._settled[page] = max(dollars, self._settled.get(page, Decimal(0)))

    def spent(self, accounts: Collection[Account] | None, now: Timestamp) -> dict[Account, Spent]:
        """What counts now; None: for every account that has a page now."""
        wanted = self._open(now) if accounts is None else accounts
        return {account: self._on(account, now) for account in wanted}

    def reserve(self, claim: Claim, now: Timestamp) -> Reservation | Over:
        """All of it or nothing."""
        self._forget(now)
        if (passed := over(claim.dollars, claim.limits, self.spent(claim.limits, now))) is not None:
            return passed
        reservation = granted(claim, now)
        self._hold(claim.run_id, claim.attempt, reservation)
        return reservation

    def note(self, event: Event) -> None:
        """Settles what `event` ends."""
        for change in settling(event):
            match change:
                case Hold(attempt, reservation):
                    if (event.run_id, attempt) not in self._held:
                        self._hold(event.run_id, attempt, reservation)
                case Settle(attempt, dollars):
                    self._settle((event.run_id, attempt), dollars)
                case Keep(attempt):
                    if (held := self._held.get((event.run_id, attempt))) is not None:
                        self._held[event.run_id, attempt] = replace(held, until=_NEVER)
                case SettleRest():
                    for key in [key for key in self._held if key[0] == event.run_id]:
                        self._settle(key, self._held[key].dollars)

    def _hold(self, run_id: str, attempt: int, reservation: Reservation) -> None:
        self._held[run_id, attempt] = reservation
        for page in reservation.pages:
            self._settled.setdefault(page, Decimal(0))

    def _settle(self, key: tuple[str, int], dollars: Decimal) -> None:
        held = self._held.pop(key, None)
        for page in held.pages if held else ():
            self._settled[page] = self._settled.get(page, Decimal(0)) + dollars

    def _on(self, account: Account, now: Timestamp) -> Spent:
        page = account.page(now)
        live = (held.dollars for held in self._held.values() if page in held.pages and held.until > now)
        return Spent(
            settled=self._settled.get(page, Decimal(0)),
            reserved=sum(live, Decimal(0)),
            begins_anew=begins_anew(account.period, now),
        )

    def _open(self, now: Timestamp) -> Iterable[Account]:
        names = {period_name(period, now) for period in PERIODS}
        return [page.account for page in self._settled if page.period in names]

    def _forget(self, now: Timestamp) -> None:
        oldest = oldest_kept(now)
        if any(page.period < oldest for page in self._settled):
            self._settled = {page: dollars for page, dollars in self._settled.items() if page.period >= oldest}
            self._held = {key: held for key, held in self._held.items() if any(page.period >= oldest for page in held.pages)}
