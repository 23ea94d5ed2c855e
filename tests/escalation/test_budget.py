"""Days, months, whose budget it is, and what is over it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.budget import (
    Account,
    Budget,
    Over,
    Page,
    Per,
    Spent,
    begins_anew,
    from_nano,
    in_force,
    limits_of,
    nano_dollars,
    oldest_kept,
    over,
    period_name,
    rounded_up,
)
from llmesc.escalation.purse import caller_name
from llmesc.escalation.times import Timestamp, from_rfc3339, rfc3339

MOMENTS = st.integers(946_684_800_000, 4_102_444_800_000).map(lambda ms: Timestamp(ms / 1000))
"""From 2000 to 2100."""


@pytest.mark.parametrize(
    ("now", "day", "month", "tomorrow", "next_month"),
    [
        ("2026-11-25T17:00:00Z", "2026-11-25", "2026-11", "2026-11-26", "2026-12-01"),
        ("2026-12-31T23:59:59.999Z", "2026-12-31", "2026-12", "2027-01-01", "2027-01-01"),
        ("2027-01-01T00:00:00Z", "2027-01-01", "2027-01", "2027-01-02", "2027-02-01"),
        ("2028-02-28T12:00:00Z", "2028-02-28", "2028-02", "2028-02-29", "2028-03-01"),
        ("2026-03-29T01:30:00+01:00", "2026-03-29", "2026-03", "2026-03-30", "2026-04-01"),
        ("2026-11-01T23:30:00-08:00", "2026-11-02", "2026-11", "2026-11-03", "2026-12-01"),
    ],
)
def test_days_and_months_are_those_of_utc(now: str, day: str, month: str, tomorrow: str, next_month: str) -> None:
    at = from_rfc3339(now)

    assert (period_name("day", at), period_name("month", at)) == (day, month)
    assert rfc3339(begins_anew("day", at)) == f"{tomorrow}T00:00:00.000000Z"
    assert rfc3339(begins_anew("month", at)) == f"{next_month}T00:00:00.000000Z"


@given(MOMENTS)
def test_the_next_page_begins_where_the_present_one_ends(now: Timestamp) -> None:
    for period in ("day", "month"):
        then = begins_anew(period, now)

        assert now < then
        assert period_name(period, Timestamp(then - 0.001)) == period_name(period, now)
        assert period_name(period, then) > period_name(period, now), "later periods have larger names: stores forget by them"
    assert begins_anew("day", now) - now <= timedelta(days=1).total_seconds()


@given(MOMENTS)
def test_what_is_forgotten_is_never_of_the_present_or_the_last_month(now: Timestamp) -> None:
    first = datetime.fromtimestamp(now, UTC).replace(day=1)
    last_month = Timestamp((first - timedelta(days=1)).timestamp())

    for period in ("day", "month"):
        assert period_name(period, last_month) >= oldest_kept(now)


def test_a_page_knows_whose_it_is() -> None:
    for account in (Account("provider:openai", "day"), Account("all", "month")):
        assert account.page(Timestamp(0)).account == account
    assert Account("all", "day").page(Timestamp(0)) == Page("all", "1970-01-01")


CALL: dict[Per, str] = {"chain": "default", "provider": "openai", "caller": "ci", "all": ""}
FIVE, SIX = Decimal(5), Decimal(6)


@pytest.mark.parametrize(
    ("budgets", "limits"),
    [
        ([], {}),
        ([Budget(per="all", daily=FIVE)], {("all", "day"): FIVE}),
        ([Budget(per="all", daily=FIVE, monthly=SIX)], {("all", "day"): FIVE, ("all", "month"): SIX}),
        ([Budget(per="provider", daily=FIVE)], {("provider:openai", "day"): FIVE}),
        ([Budget(per="provider", name="openai", monthly=FIVE)], {("provider:openai", "month"): FIVE}),
        ([Budget(per="provider", name="claude", daily=FIVE)], {}),
        (
            [Budget(per="chain", daily=FIVE), Budget(per="caller", daily=SIX)],
            {("chain:default", "day"): FIVE, ("caller:ci", "day"): SIX},
        ),
        # Its own budget stands in place of everybody's: also where it says less.
        ([Budget(per="caller", daily=FIVE), Budget(per="caller", name="ci", daily=SIX)], {("caller:ci", "day"): SIX}),
        ([Budget(per="caller", daily=FIVE), Budget(per="caller", name="ci", monthly=SIX)], {("caller:ci", "month"): SIX}),
        ([Budget(per="caller", daily=FIVE), Budget(per="caller", name="ann", daily=SIX)], {("caller:ci", "day"): FIVE}),
    ],
)
def test_which_budgets_hold_a_call(budgets: list[Budget], limits: dict[Any, Decimal]) -> None:
    assert limits_of(in_force(budgets, CALL)) == {Account(*account): limit for account, limit in limits.items()}


def spent(settled: str = "0", reserved: str = "0", *, period: Any = "day") -> Spent:
    now = from_rfc3339("2026-11-25T17:00:00Z")
    return Spent(settled=Decimal(settled), reserved=Decimal(reserved), begins_anew=begins_anew(period, now))


ALL, MONTH = Account("all", "day"), Account("caller:ann of it", "month")


@pytest.mark.parametrize(
    ("dollars", "standing", "passes"),
    [
        ("1.00", spent(), False),
        ("1.01", spent(), True),
        ("0.40", spent("0.30", "0.30"), False),
        ("0.41", spent("0.30", "0.30"), True),
        ("0.01", spent("1.20"), True),
        ("0.00", spent("1.00"), False),
    ],
)
def test_settled_and_reserved_count_together(dollars: str, standing: Spent, passes: bool) -> None:
    assert (over(Decimal(dollars), {ALL: Decimal(1)}, {ALL: standing}) is not None) is passes


def test_words_name_the_budget_and_what_is_left() -> None:
    one = Over(ALL, FIVE, spent("4.5", "0.49"), Decimal("0.0412"))
    other = Over(MONTH, FIVE, spent("5.10"), Decimal("0.5"))

    assert one.words == "daily budget of all calls: the call may cost $0.0412, $0.01 of $5.00 is left"
    assert other.words == "monthly budget of caller ann of it: the call may cost $0.50, $0.00 of $5.00 is left"


@given(st.decimals(0, 10_000, places=12))
def test_amounts_are_only_rounded_up(dollars: Decimal) -> None:
    assert 0 <= rounded_up(dollars) - dollars < Decimal("0.000000001")
    assert from_nano(nano_dollars(rounded_up(dollars))) == rounded_up(dollars)


@pytest.mark.parametrize(
    ("caller", "name"),
    [({"name": "ci", "user": "ann"}, "ci"), ({"user": "ann"}, "ann"), ({"user": ""}, "unknown"), ({}, "unknown")],
)
def test_who_calls(caller: dict[str, str], name: str) -> None:
    assert caller_name(caller) == name
