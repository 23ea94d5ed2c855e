"""What is spent and reserved is the same in every store: all of a claim or nothing, settled with the end of its attempt, lapsed
where nobody lived to settle it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.budget import Account, Claim, Over, Page, Reservation, Spent
from llmesc.escalation.events import AttemptStarted, Event
from llmesc.escalation.times import Timestamp
from llmesc.state.store import Store

pytestmark = pytest.mark.anyio

DAY, MONTH = Account("chain:default", "day"), Account("chain:default", "month")
LAB = Account("provider:lab", "day")
ODD = Account("caller:a b:c \udcff", "day")


def claim(run_id: str = "7f3a", attempt: int = 1, dollars: str = "0.40", **limits: str | None) -> Claim:
    """On the day and the month of a chain; `day`, `month`, `lab`: what may be spent there."""
    accounts = {"day": DAY, "month": MONTH, "lab": LAB}
    said: dict[str, str | None] = {"day": "1.00", **limits}
    held = {accounts[name]: None if limit is None else Decimal(limit) for name, limit in said.items()}
    return Claim(run_id=run_id, attempt=attempt, dollars=Decimal(dollars), limits=held, lease_seconds=60.0)


async def on(store: Store, account: Account = DAY) -> tuple[Decimal, Decimal]:
    """Settled and reserved."""
    spent = (await store.spending([account]))[account]
    return spent.settled, spent.reserved


def money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


def told(events: list[Event], reservation: Reservation | Over) -> list[Event]:
    """Events whose attempts say what they reserved."""
    assert isinstance(reservation, Reservation)
    return [replace(event, reserved=reservation) if isinstance(event, AttemptStarted) else event for event in events]


class TestReserving:
    async def test_nothing_is_spent_at_first(self, store: Store) -> None:
        assert await on(store) == (0, 0)
        assert await store.spending() == {}
        assert await store.spending([]) == {}

    async def test_what_fits_is_reserved_and_what_could_pass_the_budget_is_not(self, kit: Any, store: Store) -> None:
        first = await store.reserve(claim("one"))
        second = await store.reserve(claim("two", dollars="0.60"))
        third = await store.reserve(claim("three", dollars="0.000000001"))

        until = Timestamp(kit.clock.now() + 60)
        assert first == Reservation(dollars=Decimal("0.40"), until=until, pages=(Page("chain:default", "2023-11-14"),))
        assert isinstance(second, Reservation), "up to the budget, it included"
        assert isinstance(third, Over)
        assert (third.account, third.limit, third.spent.reserved) == (DAY, Decimal("1.00"), Decimal("1.00"))
        assert third.words == "daily budget of chain default: the call may cost $0.0000, $0.00 of $1.00 is left"
        assert await on(store) == money("0", "1.00")

    async def test_it_is_reserved_on_every_account_or_on_none(self, store: Store) -> None:
        await store.reserve(claim("one", month="5.00", lab="0.50"))

        answer = await store.reserve(claim("two", month="5.00", lab="0.50"))

        assert isinstance(answer, Over) and answer.account == LAB
        assert [await on(store, account) for account in (DAY, MONTH, LAB)] == [money("0", "0.40")] * 3

    async def test_of_several_budgets_the_one_is_told_that_begins_anew_last(self, store: Store) -> None:
        answer = await store.reserve(claim(dollars="2.00", month="1.50", lab="0.50"))

        assert isinstance(answer, Over) and answer.account == MONTH

    async def test_what_is_not_held_to_a_limit_only_counts(self, store: Store) -> None:
        answer = await store.reserve(claim(dollars="3.00", day=None))

        assert isinstance(answer, Reservation)
        assert await on(store) == money("0", "3.00")
        assert isinstance(await store.reserve(claim("two")), Over)

    async def test_a_page_says_when_the_next_begins(self, kit: Any, store: Store) -> None:
        kit.clock.seconds = 1_700_000_000.0  # 2023-11-14T22:13:20Z
        spent = await store.spending([DAY, MONTH])

        assert spent == {
            DAY: Spent(begins_anew=Timestamp(1_700_006_400.0)),
            MONTH: Spent(begins_anew=Timestamp(1_701_388_800.0)),
        }

    async def test_a_new_day_begins_with_nothing_and_the_month_goes_on(self, kit: Any, store: Store) -> None:
        await store.reserve(claim("one", month="5.00"))
        kit.clock.seconds += 30.0
        await store.append(kit.story("one").start().attempt().end_attempt(cost=Decimal("0.30")).events)
        kit.clock.seconds += 86_400.0

        assert await on(store) == (0, 0)
        assert await on(store, MONTH) == money("0.30", "0")
        assert isinstance(await store.reserve(claim("two", dollars="1.00", month="5.00")), Reservation)

    async def test_all_pages_of_the_day_and_the_month_can_be_listed(self, kit: Any, store: Store) -> None:
        await store.reserve(claim("one", month="5.00"))
        odd = Claim(run_id="two", attempt=1, dollars=Decimal("0.1"), limits={ODD: Decimal(1)}, lease_seconds=9.0)
        await store.reserve(odd)

        found = await store.spending()

        assert {account: spent.reserved for account, spent in found.items()} == {
            DAY: Decimal("0.40"),
            MONTH: Decimal("0.40"),
            (ODD if kit.kind == "memory" else ODD._replace(bucket="caller:a b:c ?")): Decimal("0.1"),
        }
        kit.clock.seconds += 86_400.0
        assert list(await store.spending()) == [MONTH]

    async def test_of_many_at_the_same_time_only_so_many_get_it_as_fit(self, store: Store) -> None:
        answers = await asyncio.gather(*(store.reserve(claim(f"run-{number}", dollars="0.09")) for number in range(30)))

        assert sum(isinstance(answer, Reservation) for answer in answers) == 11
        assert await on(store) == money("0", "0.99")


class TestSettling:
    async def test_the_recorded_end_of_an_attempt_settles_it_at_what_it_cost(self, kit: Any, store: Store) -> None:
        story = kit.story().start().attempt()
        events = told(story.events, await store.reserve(claim(month="5.00")))
        await store.append(events)
        assert await on(store) == money("0", "0.40")
        assert list(await store.events("7f3a")) == events, "its start says what it reserved"

        await store.append(story.end_attempt(cost=Decimal("0.05")).events[2:])

        assert await on(store) == await on(store, MONTH) == money("0.05", "0")

    async def test_a_replayed_record_settles_nothing_twice(self, kit: Any, store: Store) -> None:
        answer = await store.reserve(claim())
        events = told(kit.story().start().attempt().end_attempt(cost=Decimal("0.05")).finish().events, answer)
        await store.append(events[:2])
        await store.append(events[1:3])

        await store.append(events)

        assert await on(store) == money("0.05", "0")

    async def test_each_attempt_of_a_run_has_its_own(self, kit: Any, store: Store) -> None:
        await store.reserve(claim(attempt=1, dollars="0.10"))
        await store.reserve(claim(attempt=2, dollars="0.20"))

        await store.append(kit.story().start().attempt().end_attempt(cost=Decimal("0.01")).attempt(number=2).events)

        assert await on(store) == money("0.01", "0.20")

    async def test_a_cost_that_is_not_known_yet_counts_as_reserved_until_it_is(self, kit: Any, store: Store) -> None:
        await store.reserve(claim())
        story = kit.story().start().attempt().end_attempt(cost=None)
        await store.append(story.events)
        kit.clock.seconds += 61.0
        assert await on(store) == money("0", "0.40"), "it does not lapse: its call was made"

        await store.append(story.priced(Decimal("0.07")).events[-1:])

        assert await on(store) == money("0.07", "0")

    async def test_a_cost_that_nobody_finds_out_counts_as_reserved(self, kit: Any, store: Store) -> None:
        await store.reserve(claim())

        await store.append(kit.story().start().attempt().end_attempt(cost=None).finish().events)

        assert await on(store) == money("0.40", "0")

    async def test_what_costs_more_than_was_reserved_counts_as_what_it_cost(self, kit: Any, store: Store) -> None:
        await store.reserve(claim())

        await store.append(kit.story().start().attempt().end_attempt(cost=Decimal("1.10")).events)

        assert await on(store) == money("1.10", "0")
        assert isinstance(await store.reserve(claim("two", dollars="0.000000001")), Over)

    async def test_what_nobody_reserved_is_settled_nowhere(self, kit: Any, store: Store) -> None:
        await store.append(kit.answered())

        assert await store.spending() == {}

    async def test_a_record_that_lay_spooled_brings_its_reservation_along(self, kit: Any, store: Store) -> None:
        elsewhere = await kit.memory().reserve(claim(month="5.00"))
        story = kit.story().start().attempt().end_attempt(cost=Decimal("0.05"))
        events = told(story.events, elsewhere)

        await store.append(events[:2])
        assert await on(store) == money("0", "0.40")
        await store.append(events[2:])

        assert await on(store) == await on(store, MONTH) == money("0.05", "0")


class TestJudges:
    """The money of who judges an answer, which is none of the attempt's."""

    async def test_the_verdict_settles_the_judge_and_leaves_the_attempt_its_own(self, kit: Any, store: Store) -> None:
        own, of_judge = await store.reserve(claim(dollars="0.40")), await store.reserve(claim(attempt=-1, dollars="0.30"))
        assert isinstance(of_judge, Reservation)
        story = kit.story().start().attempt().judged(reserved=of_judge, cost=Decimal("0.02"))

        await store.append(told(story.events, own))
        assert await on(store) == money("0.02", "0.40")
        await store.append(story.end_attempt(cost=Decimal("0.05")).events[3:])

        assert await on(store) == money("0.07", "0")

    async def test_a_judge_that_nobody_waited_for_is_settled_with_the_end_of_the_attempt(self, kit: Any, store: Store) -> None:
        of_judge = await store.reserve(claim(attempt=-1, dollars="0.30"))
        judge = kit.judge(reserved=of_judge, cost=Decimal("0.02"))

        await store.append(kit.story().start().attempt().end_attempt(unfinished_judge=judge).events)

        assert await on(store) == money("0.02", "0")

    async def test_one_whose_cost_nobody_knows_counts_as_reserved(self, kit: Any, store: Store) -> None:
        of_judge = await store.reserve(claim(attempt=-1, dollars="0.30"))
        story = kit.story().start().attempt().judged(reserved=of_judge, cost=None)
        await store.append(story.events)
        kit.clock.seconds += 61.0
        assert await on(store) == money("0", "0.30"), "its call was made"

        await store.append(story.end_attempt().finish().events[3:])

        assert await on(store) == money("0.30", "0")

    async def test_a_record_that_lay_spooled_brings_its_reservation_along_and_settles_it_once(
        self, kit: Any, store: Store
    ) -> None:
        elsewhere = await kit.memory().reserve(claim(attempt=-1, month="5.00"))
        events = kit.story().start().attempt().judged(reserved=elsewhere, cost=Decimal("0.02")).end_attempt().events

        for _ in range(2):
            await store.append(events)

        assert await on(store) == await on(store, MONTH) == money("0.02", "0")


class TestLapsing:
    async def test_what_a_process_that_died_had_reserved_counts_until_its_lease_ends(self, kit: Any, store: Store) -> None:
        await store.reserve(claim("died", dollars="1.00"))
        kit.clock.seconds += 59.0
        assert isinstance(await store.reserve(claim("two")), Over)

        kit.clock.seconds += 1.0

        assert await on(store) == (0, 0)
        assert isinstance(await store.reserve(claim("two")), Reservation)

    async def test_who_was_only_slow_is_settled_all_the_same(self, kit: Any, store: Store) -> None:
        await store.reserve(claim("slow", dollars="1.00"))
        kit.clock.seconds += 120.0
        await store.reserve(claim("two"))

        await store.append(kit.story("slow").start().attempt().end_attempt(cost=Decimal("0.90")).events)

        assert await on(store) == money("0.90", "0.40")

    async def test_what_is_older_than_two_months_is_forgotten(self, kit: Any, store: Store) -> None:
        await store.reserve(claim("old", month="5.00"))
        kit.clock.seconds += 100 * 86_400.0

        await store.reserve(claim("new", month="5.00"))

        await store.append(kit.story("old").start().attempt().end_attempt(cost=Decimal("0.90")).events)
        assert await on(store, MONTH) == money("0", "0.40")
