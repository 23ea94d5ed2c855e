from __future__ import annotations

from collections.abc import Callable

import pytest

from llmesc.config.model import Config
from llmesc.config.offers import chain_names, chain_offers, meant, offers
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.resolution import Reference

CONFIG = """
[providers.hosted]
api = "openai"
tier = "cloud"
base_url = "https://h/v1"
models = ["org/big"]
[providers.lab]
api = "openai"
tier = "vllm"
models = ["m", "n"]
instances.one.base_url = "http://one/v1"
instances.two.base_url = "http://two/v1"
[providers.here]
api = "simulated"
models = ["s"]
"""


def test_without_chains_everything_is_asked_in_tier_order_siblings_together(loaded: Callable[..., Config]) -> None:
    config = loaded(CONFIG)

    expected = ["here/s", "lab@one/m", "lab@two/m", "lab@one/n", "lab@two/n", "hosted/org/big"]
    assert [str(offer.key) for offer in offers(config.providers)] == expected
    assert chain_offers(config) == offers(config.providers)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("lab/m", ["lab@one/m", "lab@two/m"]),
        ("lab@two/m", ["lab@two/m"]),
        ("hosted/org/big", ["hosted/org/big"]),
        ("hosted@default/org/big", ["hosted/org/big"]),
        ("hosted/big", []),
        ("lab@three/m", []),
    ],
)
def test_a_reference_without_an_instance_means_all_in_order(
    loaded: Callable[..., Config], reference: str, found: list[str]
) -> None:
    assert [str(offer.key) for offer in meant(loaded(CONFIG).providers, Reference.parse(reference))] == found


def test_a_chain_holds_each_offer_once_in_the_order_it_says(loaded: Callable[..., Config]) -> None:
    config = loaded(CONFIG + '[chains]\nquick = ["lab@two/m", "lab/m", "here/s"]')

    assert [str(offer.key) for offer in chain_offers(config, "quick")] == ["lab@two/m", "lab@one/m", "here/s"]
    assert chain_names(config) == ["default", "quick"]
    assert len(chain_offers(config)) == 6  # no chain is named default: everything


def test_a_chain_that_nobody_named_is_unknown_with_the_nearest(loaded: Callable[..., Config]) -> None:
    with pytest.raises(UnknownName, match="no chain 'quik'; nearest: quick"):
        chain_offers(loaded(CONFIG + '[chains]\nquick = ["here/s"]'), "quik")
