"""Whose price is found in the installed list, and of which day. What the prices are is the list's."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from llmesc.config.services import SERVICES
from llmesc.escalation.times import Timestamp
from llmesc.records.price_list import Listing, PriceList

pytestmark = pytest.mark.anyio

NOW = Timestamp(datetime(2026, 11, 25, tzinfo=UTC).timestamp())


@pytest.fixture
async def prices() -> PriceList:
    loaded = PriceList()
    await loaded.load()
    return loaded


def test_nothing_is_known_before_it_is_loaded() -> None:
    fresh = PriceList()

    assert not fresh.loaded
    assert fresh.price(Listing("openai", None, "gpt-5-mini"), NOW) is None


@pytest.mark.parametrize(
    "name",
    sorted(name for name, service in SERVICES.items() if service.usual and name != "openrouter"),
)
async def test_the_usual_model_of_each_service_has_a_price_by_its_name_and_by_its_address(name: str, prices: PriceList) -> None:
    service = SERVICES[name]
    assert service.usual is not None

    by_name = prices.price(Listing(name, None, service.usual.name), NOW)
    by_address = prices.price(Listing(None, service.base_url, service.usual.name), NOW)

    assert by_name is not None
    assert by_name == by_address
    assert by_name.source.startswith("genai-prices ")
    assert by_name.output_per_million > 0


@pytest.mark.parametrize(
    "wanted",
    [
        Listing("openai", "https://api.openai.com/v1", "gpt-of-our-own"),
        Listing(None, "http://litellm.internal:4000/v1", "gpt-5-mini"),
        Listing(None, None, "gpt-5-mini"),
        Listing("nvidia", SERVICES["nvidia"].base_url, "meta/llama-3.3-70b-instruct"),
        Listing("openrouter", SERVICES["openrouter"].base_url, "openrouter/auto"),
        Listing("huggingface", SERVICES["huggingface"].base_url, "openai/gpt-oss-120b"),
        Listing("perplexity", None, "no such model"),
    ],
)
async def test_what_the_list_does_not_know_is_unknown_and_not_free(wanted: Listing, prices: PriceList) -> None:
    assert prices.price(wanted, NOW) is None


async def test_an_address_of_ones_own_keeps_the_price_of_the_service_it_is_said_to_be(prices: PriceList) -> None:
    at_home = prices.price(Listing("anthropic", "https://gateway.example/anthropic", "claude-sonnet-4-5"), NOW)

    assert at_home == prices.price(Listing("anthropic", SERVICES["anthropic"].base_url, "claude-sonnet-4-5"), NOW)


async def test_a_long_prompt_has_the_price_of_its_tier(prices: PriceList) -> None:
    price = prices.price(Listing("anthropic", None, "claude-sonnet-4-5"), NOW)

    assert price is not None
    assert price.cached_input_per_million is not None
    [tier] = price.tiers
    assert tier.above_input_tokens == 200_000
    assert tier.input_per_million == 2 * price.input_per_million
    assert tier.cached_input_per_million == 2 * price.cached_input_per_million


async def test_the_price_is_the_one_of_the_day(prices: PriceList) -> None:
    wanted = Listing("anthropic", None, "claude-sonnet-4-6")
    before = prices.price(wanted, Timestamp(datetime(2026, 3, 1, tzinfo=UTC).timestamp()))
    after = prices.price(wanted, NOW)

    assert before is not None
    assert after is not None
    assert (len(before.tiers), len(after.tiers)) == (1, 0), "the long context became cheaper on 13 March 2026"


async def test_a_request_may_have_a_price_of_its_own(prices: PriceList) -> None:
    price = prices.price(Listing("perplexity", None, "sonar"), NOW)

    assert price is not None
    assert Decimal(0) < price.per_request < Decimal("0.1")


async def test_without_the_package_every_price_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "genai_prices", None)
    bare = PriceList()

    await bare.load()

    assert not bare.loaded
    assert bare.price(Listing("openai", None, "gpt-5-mini"), NOW) is None
