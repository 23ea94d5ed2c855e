"""What tokens cost: cached and reasoning ones, long prompts, own machines, and prices that are looked up late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.events import AttemptFinished, AttemptPriced, QualityChecked, RunFinished
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Finish, TextPiece, UsagePiece
from llmesc.escalation.pricing import affordable_tokens, cost, cost_of, estimated
from llmesc.escalation.resolution import Price, PriceTier, Resolution, Tier
from tests.escalation.laws import violations
from tests.escalation.world import Say, candidate, failing, world

FLAT = Price(input_per_million=Decimal(2), output_per_million=Decimal(10))
FULL = replace(
    FLAT,
    cached_input_per_million=Decimal("0.5"),
    reasoning_per_million=Decimal(20),
    per_request=Decimal("0.01"),
    tiers=(
        PriceTier(above_input_tokens=1000, input_per_million=Decimal(4), output_per_million=Decimal(30)),
        PriceTier(above_input_tokens=5000, input_per_million=Decimal(8), output_per_million=Decimal(60)),
    ),
)


@pytest.mark.parametrize(
    ("price", "usage", "micro_dollars"),
    [
        (FLAT, Usage(input_tokens=100, output_tokens=10), 300),
        (FLAT, Usage(input_tokens=100, output_tokens=10, cached_tokens=40, reasoning_tokens=5), 300),
        (FULL, Usage(input_tokens=100, output_tokens=10), 10_300),
        (FULL, Usage(input_tokens=100, output_tokens=10, cached_tokens=40), 10_240),
        (FULL, Usage(input_tokens=100, output_tokens=10, reasoning_tokens=4), 10_340),
        (FULL, Usage(input_tokens=1000, output_tokens=10), 12_100),
        (FULL, Usage(input_tokens=1001, output_tokens=10), 14_304),
        (FULL, Usage(input_tokens=6000, output_tokens=1), 58_060),
        (FULL, Usage(input_tokens=10, output_tokens=0, cached_tokens=99), 10_005),
        (FLAT, Usage(input_tokens=None, output_tokens=10), None),
        (FLAT, Usage(input_tokens=10), None),
    ],
)
def test_each_kind_of_token_has_its_price_and_a_long_prompt_another(
    price: Price, usage: Usage, micro_dollars: int | None
) -> None:
    assert cost(price, usage) == (None if micro_dollars is None else Decimal(micro_dollars) / 1_000_000)


def test_money_is_exact() -> None:
    tenth = Price(input_per_million=Decimal("0.1"), output_per_million=Decimal("0.2"))

    assert str(cost(tenth, Usage(input_tokens=3, output_tokens=0))) == "3E-7"


def test_what_is_paid_for_is_what_is_estimated() -> None:
    for prompt in (0, 1000, 1001, 6000):
        tokens = affordable_tokens(FULL, prompt, Decimal("0.25"))

        assert tokens is not None
        assert estimated(FULL, prompt, tokens) <= Decimal("0.25") < estimated(FULL, prompt, tokens + 1)


def test_an_own_machine_sends_no_bill_and_a_hosted_one_without_a_price_an_unknown_one() -> None:
    usage = Usage(input_tokens=1, output_tokens=1)

    assert [cost_of(candidate("a/m", tier=tier), usage) for tier in Tier] == [Decimal(0)] * 3 + [None] * 2


def spoken(text: str) -> Sequence[Any]:
    return [Say(text, after_seconds=1.0), UsagePiece(Usage(input_tokens=100, output_tokens=10)), Finish("stop")]


def test_a_price_that_must_be_looked_up_is_wanted_only_after_the_answer_was_accepted() -> None:
    looked_up: list[str] = []
    run = world(
        (candidate("cloud/a", tier=Tier.CLOUD), [[TextPiece("Half an"), failing(FailureKind.TIMEOUT)[0]]]),
        (candidate("other/b", tier=Tier.CLOUD), [spoken("A whole answer.")]),
    )

    async def price_of(resolution: Resolution) -> Price | None:
        looked_up.append(resolution.model)
        assert any(isinstance(event, QualityChecked) and event.passed for event in run.read), "the reader has the answer"
        return replace(FLAT, source="a list 1.0")

    run.price_of = price_of
    events = run.play()

    assert violations(events, 3) == []
    assert looked_up == ["a", "b"]
    assert [event.cost for event in events if isinstance(event, AttemptFinished)] == [None, None]
    priced = [event for event in events if isinstance(event, AttemptPriced)]
    assert [(event.attempt, event.price.source) for event in priced] == [(1, "a list 1.0"), (2, "a list 1.0")]
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.totals.cost == priced[0].cost + priced[1].cost
    assert priced[1].cost == Decimal("0.0003")


def test_what_nobody_knows_stays_unknown_and_so_does_the_sum() -> None:
    run = world((candidate("cloud/a", tier=Tier.CLOUD), [spoken("An answer.")]))

    events = run.play()

    assert not [event for event in events if isinstance(event, AttemptPriced)]
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.totals.cost is None


def test_the_view_and_the_record_know_the_late_price() -> None:
    run = world((candidate("cloud/a", tier=Tier.CLOUD), [spoken("An answer.")]))

    async def price_of(_: Resolution) -> Price | None:
        return FULL

    run.price_of = price_of
    view = RunView()
    for event in run.play():
        again = decode_event(encode_event(event))
        assert again == event
        view = fold(view, event)

    assert (view.attempts[0].cost, view.attempts[0].price) == (Decimal("0.0103"), FULL)


def test_a_price_that_an_older_version_recorded_was_configured() -> None:
    run = world((candidate("cloud/a", tier=Tier.CLOUD), [spoken("An answer.")]))
    finished = next(event for event in run.play() if isinstance(event, AttemptFinished))
    written = encode_event(finished)
    written["resolution"]["offering"]["price"] = {
        "input_per_million": "1",
        "output_per_million": "2",
        "cached_input_per_million": None,
    }

    again = decode_event(written)

    assert isinstance(again, AttemptFinished)
    assert again.resolution.offering.price == Price(
        input_per_million=Decimal(1), output_per_million=Decimal(2), source="configuration"
    )
