"""What is configured, what the list says, and which of them counts; and that nobody waits for a list he does not need."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.config.model import PriceParts
from llmesc.engine import AskOptions, Engine
from llmesc.engine.clock import SystemClock
from llmesc.engine.pricing import Pricing, over
from llmesc.escalation.resolution import Price, PriceTier
from llmesc.escalation.times import Timestamp
from llmesc.providers.faults import FaultServer
from llmesc.records.price_list import Listing, PriceList

pytestmark = pytest.mark.anyio

CHAIN = """
state = "memory:"
[providers.openai]
base_url = "{url}"
preset = "openai"
api_key = "sk-nobodys"
models = [
  "gpt-5-mini",
  {{ name = "gpt-5", price = {{ input_per_million = "1000" }} }},
  {{ name = "gpt-5-nano", price = {{ input_per_million = "1", output_per_million = "2" }} }},
  "gpt-of-our-own",
]
[providers.lab]
api = "openai"
tier = "vllm"
base_url = "{url}"
models = ["qwen", {{ name = "power", price = {{ output_per_million = "1" }} }}]
[chains]
default = ["openai/gpt-5-mini"]
"""


@pytest.fixture
async def engine(tmp_path: Path) -> Any:
    async with FaultServer() as server:
        path = tmp_path / "config.toml"
        path.write_text(CHAIN.format(url=server.base_url))
        async with Engine.open(config=load(path, {})) as made:
            yield made


async def test_a_known_model_is_priced_without_configuration_and_the_record_says_by_whom(engine: Engine) -> None:
    reply = await engine.ask("hi")

    [attempt] = reply.view.attempts
    assert attempt.price is not None
    assert attempt.price.source.startswith("genai-prices ")
    assert attempt.cost is not None
    assert attempt.cost > 0
    assert reply.view.totals is not None
    assert reply.view.totals.cost == attempt.cost
    recorded = [event for event in await engine.operations.run_events(reply.run_id) if event.type == "attempt_priced"]
    assert [event.price for event in recorded] == [attempt.price]


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("openai/gpt-5", "configuration, the rest genai-prices "),
        ("openai/gpt-5-nano", "configuration"),
        ("lab/power", "configuration"),
    ],
)
async def test_what_is_configured_wins(engine: Engine, model: str, source: str) -> None:
    plan = await engine.plan("hi", AskOptions(model=model))

    price = plan.candidates[0].resolution.offering.price
    assert price is not None
    assert price.source.startswith(source)


async def test_of_a_price_that_says_only_some_the_rest_is_the_lists(engine: Engine) -> None:
    plan = await engine.plan("hi", AskOptions(model="openai/gpt-5"))
    price = plan.candidates[0].resolution.offering.price

    assert price is not None
    assert price.input_per_million == 1000
    assert 0 < price.output_per_million < 1000


def test_what_is_said_holds_for_every_length_of_the_prompt() -> None:
    listed = Price(
        input_per_million=Decimal(1),
        output_per_million=Decimal(2),
        tiers=(PriceTier(above_input_tokens=10, input_per_million=Decimal(3), output_per_million=Decimal(4)),),
        source="a list",
    )

    price = over(PriceParts(output_per_million=Decimal(7)), listed)

    assert (price.input_per_million, price.output_per_million) == (1, 7)
    assert [(tier.input_per_million, tier.output_per_million) for tier in price.tiers] == [(3, 7)]


async def test_an_unknown_price_is_none_and_an_own_machine_costs_nothing(engine: Engine) -> None:
    unknown = await engine.ask("hi", AskOptions(model="openai/gpt-of-our-own", max_attempts=1))
    own = await engine.ask("hi", AskOptions(model="lab/qwen", max_attempts=1))

    assert [view.totals and view.totals.cost for view in (unknown.view, own.view)] == [None, Decimal(0)]


async def test_a_budget_knows_the_price_before_the_call_and_settles_what_it_cost(tmp_path: Path) -> None:
    budgets = '[[budgets]]\nper = "all"\ndaily = "1"\n[[budgets]]\nper = "provider"\nname = "openai"\ndaily = "0.05"\n'
    warnings: list[str] = []
    async with FaultServer() as server:
        path = tmp_path / "config.toml"
        path.write_text(CHAIN.format(url=server.base_url) + budgets)
        async with Engine.open(config=load(path, {}), on_warning=warnings.append) as engine:
            reply = await engine.ask("hi")
            for _ in range(2):
                await engine.ask("hi", AskOptions(model="openai/gpt-of-our-own", max_attempts=1))
            await engine.ask("hi", AskOptions(model="lab/qwen", max_attempts=1))
            lines = await engine.operations.budgets()
            refused = await engine.plan("hi", AskOptions(model="openai/gpt-5"))

    [attempt] = reply.view.attempts
    assert attempt.reserved is not None and attempt.cost is not None
    assert attempt.reserved.dollars > attempt.cost > 0
    assert [(line.account.bucket, line.spent.settled, line.spent.reserved) for line in lines] == [
        ("all", attempt.cost, 0),
        ("provider:openai", attempt.cost, 0),
    ]
    assert len(warnings) == 1 and "gpt-of-our-own: no price is known" in warnings[0], "said once, however often it is called"
    assert [(each.resolution.ref, each.skip) for each in refused.candidates] == [
        ("openai/gpt-5", "over_budget"),
        ("openai/gpt-5-mini", None),
    ]


async def test_a_cap_knows_the_price_before_the_call(engine: Engine) -> None:
    async with engine.start("hi", AskOptions(model="openai/gpt-5", max_cost=Decimal("0.0001"), max_attempts=1)) as run:
        events = [event async for event in run]

    assert [event.reason for event in events if event.type == "candidate_skipped"][:1] == ["over_budget"]


@pytest.mark.parametrize(
    ("url", "is_sought"),
    [
        ("https://api.groq.com/openai/v1", True),
        ("https://gateway.example.com/v1", True),
        ("http://127.0.0.1:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://10.0.0.8/v1", False),
        ("http://gpu1:8000/v1", False),
        ("http://litellm.internal/v1", False),
    ],
)
async def test_no_list_is_loaded_for_an_address_that_none_can_know(url: str, is_sought: bool, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[providers.p]\napi = "openai"\ntier = "cloud"\nbase_url = "{url}"\nmodels = ["gpt-5-mini"]\n')
    prices = PriceList()
    pricing = Pricing(load(path, {}), SystemClock(), prices)

    await pricing.load()

    assert prices.loaded is is_sought


class Offpeak(PriceList):
    """Cheaper from one minute on; counts who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    @property
    def loaded(self) -> bool:
        return True

    def price(self, wanted: Listing, at: Timestamp) -> Price | None:
        self.asked.append(wanted.model)
        return Price(input_per_million=Decimal(2 if at < 120 else 1), output_per_million=Decimal(2))


class SetClock(SystemClock):
    """It is as late as somebody says."""

    seconds = 0.0

    def now(self) -> Timestamp:
        return Timestamp(self.seconds)


async def test_the_list_is_asked_once_a_minute_for_each_model(engine: Engine) -> None:
    clock, prices = SetClock(), Offpeak()
    pricing = Pricing(engine.config, clock, prices)
    amounts = []
    for clock.seconds in (60.0, 90.0, 119.9, 120.0):
        [one, *_] = priced = pricing.priced(engine.offerings)
        assert one.offering.price is not None
        amounts.append(one.offering.price.input_per_million)
        assert [each.model_key for each in priced] == [each.model_key for each in engine.offerings]

    assert amounts == [2, 2, 2, 1]
    assert prices.asked == 2 * ["gpt-5-mini", "gpt-5", "gpt-of-our-own"]
