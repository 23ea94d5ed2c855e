"""Spending budgets: how much may be spent in a day and in a month, over all processes. Pure; all money is US dollars.

The rule. The most that a call can cost is reserved before it is made, and what it did cost is settled when it has ended; both in
the store, in one step each. A call is made where what is settled, what is reserved and what it may cost stay within every budget
that it counts against. So processes that call at the same time cannot pass a budget together, whatever each of them knew.

The order. Money is reserved before anything of the call is told, so that who is refused it is passed over without a word of a
switch; then the start of the attempt is recorded, its reservation with it; then the request leaves. Wherever a crash comes
between these, no call was made without its money. The cost is settled in the transaction that records the end of the attempt.

What remains. A prompt is estimated beforehand and counted by the provider afterwards. The estimate is good to a quarter, and a
quarter more is reserved: only a call whose prompt is longer than that can settle at more than it reserved. A process that dies
leaves its reservations behind: they count as spent until their lease ends, and then no more. A call that is told of after that
(its record lay spooled) counts as what it cost. A call whose cost nobody knows counts as it was reserved. Money counts in the
period in which it was reserved, also where the call ended in the next.

Days and months are those of UTC: hosts in several zones share one budget, invoices of providers are cut so, and no day of it has
23 or 25 hours, so that no rule for summer time is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp

Per = Literal["chain", "provider", "caller", "all"]
"""Whose calls a budget counts."""

Unpriced = Literal["allow", "refuse"]
"""What is done about a candidate of which no price is known: it is called, and counts as soon as its price is known; or not."""

Period = Literal["day", "month"]
PERIODS: tuple[Period, ...] = ("day", "month")

ADJECTIVES: Mapping[Period, str] = {"day": "daily", "month": "monthly"}

KEPT_DAYS = 62
"""Stores keep what was spent so long: the month before the present one can still be looked up, and settled."""

LEASE_GRACE_SECONDS = 60.0
"""By which a reservation outlasts the time that its run has left: its end has to be recorded, too."""

LONGEST_ANSWER_TOKENS = 8_192
"""What is reserved for, and asked for at most, where neither the request nor the offering says how long an answer may become: a
call that costs any amount fits into no budget.
"""

PROMPT_MARGIN = Decimal("1.25")
"""By which a prompt may be longer than it is estimated; see `Request.estimated_tokens`."""

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`[[budgets]]` of the configuration."""

    per: Per
    name: str | None = None
    """Of the chain, provider or caller; None: each that has no budget of its own name gets this one."""
    daily: Decimal | None = None
    """None: a day has no limit of its own."""
    monthly: Decimal | None = None
    unpriced: Unpriced = "allow"

    def limit(self, period: Period) -> Decimal | None:
        """For a day, or a month."""
        return self.daily if period == "day" else self.monthly


class Account(NamedTuple):
    """What a budget counts, whatever day it is: `provider:openai` for a `day`."""

    bucket: str
    """`chain:…`, `provider:…`, `caller:…` or `all`."""
    period: Period

    def page(self, now: Timestamp) -> Page:
        """The one in which is written what is spent now."""
        return Page(self.bucket, period_name(self.period, now))


class Page(NamedTuple):
    """An account in one day or month: `provider:openai` on `2026-11-25`, or in `2026-11`."""

    bucket: str
    period: str

    @property
    def account(self) -> Account:
        """What it is a page of."""
        return Account(self.bucket, "day" if self.period.count("-") == 2 else "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What stands on a page."""

    settled: Decimal = Decimal(0)
    """For calls that have ended."""
    reserved: Decimal = Decimal(0)
    """For calls that go on, and for what a process that died had reserved, until its lease ends."""
    begins_anew: Timestamp
    """When the next page is begun."""

    @property
    def total(self) -> Decimal:
        """What counts."""
        return self.settled + self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A call asks for money."""

    run_id: str
    attempt: int
    dollars: Decimal
    """The most that it can cost."""
    limits: Mapping[Account, Decimal | None]
    """What it counts against, and how much may be spent there; None: it only counts, and is not held to it."""
    lease_seconds: float
    """How long it may take, the record of its end included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A call has its money."""

    dollars: Decimal
    until: Timestamp
    """Its lease: what is not settled by then counts no more."""
    pages: tuple[Page, ...]
    """Where it counts."""


@dataclass(frozen=True, slots=True)
class Over:
    """A call could pass a budget, and is not made."""

    account: Account
    limit: Decimal
    spent: Spent
    dollars: Decimal
    """What the call may cost."""

    @property
    def words(self) -> str:
        """For people."""
        left = max(self.limit - self.spent.total, Decimal(0))
        whose = f"{ADJECTIVES[self.account.period]} budget of {bucket_words(self.account.bucket)}"
        return f"{whose}: the call may cost {_money(self.dollars)}, {_money(left)} of {_money(self.limit)} is left"


def bucket_words(bucket: str) -> str:
    """`provider openai`, or `all calls`."""
    return "all calls" if bucket == "all" else bucket.replace(":", " ", 1)


def period_name(period: Period, now: Timestamp) -> str:
    """`2026-11-25`, or `2026-11`."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def begins_anew(period: Period, now: Timestamp) -> Timestamp:
    """When the day or the month after `now` begins."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return Timestamp((day + timedelta(days=1)).timestamp())
    return Timestamp((day.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp())


def oldest_kept(now: Timestamp) -> str:
    """Periods whose names are smaller are forgotten."""
    return period_name("month", Timestamp(now - KEPT_DAYS * 86_400))


def bucket_of(per: Per, name: str) -> str:
    """Where the calls of that chain, provider or caller count."""
    return "all" if per == "all" else f"{per}:{name}"


def in_force(budgets: Iterable[Budget], names: Mapping[Per, str]) -> Iterator[tuple[str, Budget]]:
    """The buckets that a call counts in, each with its budget. `names`: the call's chain, provider and caller. A budget with a
    name stands in place of the one without, for that name.
    """
    known = tuple(budgets)
    for per, name in names.items():
        own = [budget for budget in known if budget.per == per and budget.name == name]
        for budget in own or [budget for budget in known if budget.per == per and budget.name is None]:
            yield bucket_of(per, name), budget


def limits_of(found: Iterable[tuple[str, Budget]]) -> dict[Account, Decimal]:
    """What may be spent on each account."""
    return {
        Account(bucket, period): limit
        for bucket, budget in found
        for period in PERIODS
        if (limit := budget.limit(period)) is not None
    }


def over(dollars: Decimal, limits: Mapping[Account, Decimal | None], spent: Mapping[Account, Spent]) -> Over | None:
    """The budget that a call of at most `dollars` could pass, of several the one that begins anew last: before that it cannot be
    made.
    """
    passed = [
        Over(account, limit, spent[account], dollars)
        for account, limit in limits.items()
        if limit is not None and spent[account].total + dollars > limit
    ]
    return max(passed, key=lambda one: one.spent.begins_anew, default=None)


def granted(claim: Claim, now: Timestamp) -> Reservation:
    """What a claim becomes that passes no budget."""
    return Reservation(
        dollars=claim.dollars,
        until=Timestamp(now + claim.lease_seconds),
        pages=tuple(account.page(now) for account in claim.limits),
    )


def nano_dollars(dollars: Decimal) -> int:
    """Billionths of a dollar, as stores count them so that sums are exact; a part of one counts as one."""
    return int((dollars * _NANO).to_integral_value(ROUND_CEILING))


def rounded_up(dollars: Decimal) -> Decimal:
    """To the next billionth, so that all stores decide alike."""
    return from_nano(nano_dollars(dollars))


def from_nano(count: int) -> Decimal:
    """The reverse."""
    return Decimal(count) / _NANO


def _money(dollars: Decimal) -> str:
    return f"${dollars:.2f}" if dollars == dollars.quantize(Decimal("0.01")) else f"${dollars:.4f}"
