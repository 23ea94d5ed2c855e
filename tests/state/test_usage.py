"""What the calls of some time used: the same from every store, exact to the last digit, and told apart as the query wants it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmesc.escalation.events import AttemptOutcome
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import ModelUsage
from llmesc.state.store import Store
from llmesc.state.usage import UsageQuery, Used, caller_name, fate_of, models_of

pytestmark = pytest.mark.anyio

BEGAN = Timestamp(1_700_000_000.0)
ALL = UsageQuery(since=Timestamp(0), until=Timestamp(BEGAN + 86_400))


async def usage(store: Store, since: float, until: float) -> Sequence[ModelUsage]:
    return models_of(await store.usage(UsageQuery(since=Timestamp(since), until=Timestamp(until))))


async def ended(store: Store, kit: Any, at: float, outcome: AttemptOutcome, ref: str = "lab/qwen") -> None:
    kit.clock.seconds = BEGAN + at
    await store.append(kit.story(f"{ref} {at} {outcome}").start().attempt(ref).end_attempt(ref, 1, outcome).events)


class TestByCandidate:
    async def test_tokens_and_dollars_are_of_the_calls_of_each_candidate(self, store: Store, kit: Any) -> None:
        for number in range(3):
            kit.clock.seconds = BEGAN + number
            story = kit.story(f"run {number}").start().attempt().fail().attempt("openai@a/gpt", 2).end_attempt("openai@a/gpt", 2)
            await store.append(story.finish(ref="openai@a/gpt", attempts=2).events)

        found = await usage(store, BEGAN, Timestamp(BEGAN + 2))

        both = {"tier": "vllm", "calls": 2, "input_tokens": 10, "output_tokens": 14, "cost": Decimal("0.0062"), "cost_unknown": 0}
        assert list(found) == [ModelUsage(ref="lab/qwen", **both), ModelUsage(ref="openai@a/gpt", **both)]

    async def test_a_call_whose_cost_nobody_knows_is_counted_and_costs_nothing(self, store: Store, kit: Any) -> None:
        kit.clock.seconds = BEGAN
        await store.append(kit.story("running").start().attempt().events)
        await ended(store, kit, 1.0, AttemptOutcome.SUCCESS)

        (lab,) = await usage(store, BEGAN, Timestamp(BEGAN + 60))

        assert (lab.calls, lab.cost, lab.cost_unknown) == (2, Decimal("0.0031"), 1)

    async def test_a_cost_that_is_known_only_after_the_call_counts_like_any_other(self, store: Store, kit: Any) -> None:
        kit.clock.seconds = BEGAN
        story = kit.story("late").start().attempt().end_attempt(cost=None)
        await store.append(story.events)
        (unknown,) = await usage(store, BEGAN, Timestamp(BEGAN + 60))
        await store.append(story.priced(Decimal("0.0042")).finish().events[3:])
        (known,) = await usage(store, BEGAN, Timestamp(BEGAN + 60))

        assert (unknown.cost, unknown.cost_unknown) == (0, 1)
        assert (known.calls, known.cost, known.cost_unknown) == (1, Decimal("0.0042"), 0)

    async def test_a_run_counts_for_the_day_on_which_it_began(self, store: Store, kit: Any) -> None:
        kit.clock.seconds = BEGAN - 1
        story = kit.story().start()
        kit.clock.seconds = BEGAN + 1
        await store.append(story.attempt().end_attempt().finish().events)

        assert await usage(store, BEGAN, BEGAN + 60) == []
        assert [one.calls for one in await usage(store, Timestamp(BEGAN - 60), BEGAN)] == [1]


class TestTellingApart:
    async def test_what_was_paid_for_in_vain_stands_apart_from_the_answers(self, store: Store, kit: Any) -> None:
        for at, outcome in enumerate(("success", "quality_failure", "auth_error", "rate_limited", "cancelled")):
            await ended(store, kit, at, AttemptOutcome(outcome))
        kit.clock.seconds = BEGAN + 10
        hedged = kit.story("hedged").start().attempt().attempt("openai/gpt", 2)
        hedged.end_attempt(outcome=AttemptOutcome.CANCELLED, lost_to=2).end_attempt("openai/gpt", 2)
        await store.append([*hedged.finish(ref="openai/gpt", attempts=2).events])
        await store.append(kit.story("running").start().attempt().events)

        cells = await store.usage(ALL)

        assert {(cell.ref, cell.fate): (cell.calls, cell.cost) for cell in cells} == {
            ("lab/qwen", "answer"): (1, Decimal("0.0031")),
            ("lab/qwen", "below_bar"): (1, Decimal("0.0031")),
            ("lab/qwen", "failed"): (2, Decimal("0.0062")),
            ("lab/qwen", "cancelled"): (1, Decimal("0.0031")),
            ("lab/qwen", "hedged_away"): (1, Decimal("0.0031")),
            ("lab/qwen", "open"): (1, None),
            ("openai/gpt", "answer"): (1, Decimal("0.0031")),
        }

    @pytest.mark.parametrize(
        ("apart", "found"),
        [
            ((), {("", "")}),
            (("caller",), {("", "billing"), ("", "ann@web1"), ("", "web1"), ("", "unknown")}),
            (("chain",), {("default", "")}),
            (("caller", "chain"), {("default", "billing"), ("default", "ann@web1"), ("default", "web1"), ("default", "unknown")}),
        ],
    )
    async def test_chains_and_callers_stand_apart_where_the_query_says_so(
        self, apart: tuple[str, ...], found: set[tuple[str, str]], store: Store, kit: Any
    ) -> None:
        callers = (
            {"name": "billing", "user": "ann", "host": "web1", "pid": "1"},
            {"name": "billing", "user": "bob", "host": "web2", "pid": "2"},
            {"user": "ann", "host": "web1", "pid": "3"},
            {"user": "ann", "host": "web1", "pid": "4"},
            {"user": "", "host": "web1"},
            {"pid": "5"},
        )
        for number, caller in enumerate(callers):
            await store.append(kit.story(f"run {number}").start(caller=caller).attempt().end_attempt().finish().events)

        cells = await store.usage(UsageQuery(since=Timestamp(0), until=ALL.until, apart=frozenset(apart)))

        assert {(cell.chain, cell.caller) for cell in cells} == found
        assert len(cells) == len(found)
        assert sum(cell.calls for cell in cells) == len(callers)

    async def test_prompts_longer_than_a_price_allows_stand_apart(self, store: Store, kit: Any) -> None:
        await ended(store, kit, 0, AttemptOutcome.SUCCESS)

        def sizes(*lengths: int) -> UsageQuery:
            return UsageQuery(since=Timestamp(0), until=ALL.until, prompt_lengths=lengths)

        for lengths, longer_than in (((), 0), ((4,), 1), ((5,), 0), ((1, 4, 5, 9), 2)):
            (cell,) = await store.usage(sizes(*lengths))
            assert (cell.longer_than, cell.calls) == (longer_than, 1)

    async def test_a_call_whose_tokens_nobody_counted_is_of_no_length(self, store: Store, kit: Any) -> None:
        await store.append(kit.story().start().attempt().events)

        (cell,) = await store.usage(ALL)

        assert (cell.longer_than, cell.fate, cell.cost) == (None, "open", None)


class TestJudges:
    async def test_what_a_judge_used_stands_at_its_own_name_and_apart_from_the_attempts(self, store: Store, kit: Any) -> None:
        await store.append(kit.story("one").start().attempt().judged().end_attempt().finish().events)
        await store.append(kit.story("two").start().attempt().judged(cost=None).end_attempt().finish().events)
        await store.append(kit.story("three").start().attempt().judged(by="lab/qwen").end_attempt().finish().events)

        cells = await store.usage(UsageQuery(since=Timestamp(0), until=ALL.until, apart=frozenset({"chain", "caller"})))

        assert [(cell.ref, cell.fate, cell.calls, cell.input_tokens, cell.output_tokens, cell.cost) for cell in cells] == [
            ("big/judge", "judge", 1, 161, 4, Decimal("0.0005")),
            ("big/judge", "judge", 1, 161, 4, None),
            ("lab/qwen", "answer", 3, 15, 21, Decimal("0.0093")),
            ("lab/qwen", "judge", 1, 161, 4, Decimal("0.0005")),
        ]
        assert {(cell.chain, cell.caller, cell.tier) for cell in cells} == {("default", "ann", "vllm")}

    async def test_one_that_nobody_waited_for_was_paid_for_all_the_same(self, store: Store, kit: Any) -> None:
        story = kit.story().start().attempt()
        await store.append(story.end_attempt(outcome=AttemptOutcome.CANCELLED, unfinished_judge=kit.judge()).finish().events)

        judge, own = await store.usage(ALL)

        assert (judge.ref, judge.fate, judge.cost) == ("big/judge", "judge", Decimal("0.0005"))
        assert (own.ref, own.fate, own.cost) == ("lab/qwen", "cancelled", Decimal("0.0031"))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    costs=st.lists(
        st.none() | st.decimals(min_value=0, max_value=10_000, places=12, allow_nan=False, allow_infinity=False), max_size=12
    )
)
async def test_money_is_summed_up_exactly_and_alike_in_every_store(costs: list[Decimal | None], kit: Any) -> None:
    kit.folder = kit.folder.with_name(uuid4().hex)  # every example has a file of its own
    stores = [kit.memory(), await kit.open()]
    found: list[Sequence[Used]] = []
    for store in stores:
        for number, cost in enumerate(costs):
            await store.append(kit.story(f"{number}").start().attempt().end_attempt(cost=cost).events)
        found.append(await store.usage(ALL))
        await store.aclose()

    memory, sqlite = found
    assert memory == sqlite
    assert sum((cell.cost for cell in sqlite if cell.cost is not None), Decimal(0)) == sum(
        (cost for cost in costs if cost is not None), Decimal(0)
    )
    assert sum(cell.calls for cell in sqlite if cell.cost is None) == costs.count(None)


@pytest.mark.parametrize(
    ("outcome", "kind", "fate"),
    [
        (None, None, "open"),
        (None, "overloaded", "open"),
        ("success", None, "answer"),
        ("quality_failure", None, "below_bar"),
        ("error", "overloaded", "failed"),
        ("context_overflow", "context_overflow", "failed"),
        ("cancelled", None, "cancelled"),
        ("cancelled", "hedged_away", "hedged_away"),
        ("cancelled", "lost_hedge", "hedged_away"),
        ("judge", None, "judge"),
    ],
)
def test_what_became_of_a_call(outcome: str | None, kind: str | None, fate: str) -> None:
    assert fate_of(outcome, kind) == fate


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        ({}, "unknown"),
        ({"name": "", "user": "ann", "host": ""}, "ann"),
        ({"name": "job", "user": "ann"}, "job"),
        ({"user": "ann", "host": "web1"}, "ann@web1"),
    ],
)
def test_who_asked(caller: dict[str, str], name: str) -> None:
    assert caller_name(caller) == name
