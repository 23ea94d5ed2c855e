"""What was used, wasted and saved: groups of exact sums, measured by the top of each chain, and never by a guess."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.config.load import load
from llmesc.engine.assemble import offerings
from llmesc.engine.savings import Saved, Yardstick, prompt_lengths, saved, yardsticks
from llmesc.engine.used import GROUPINGS, day_lines, grouped_lines, line
from llmesc.escalation.resolution import Price, PriceTier, Tier
from llmesc.escalation.times import Timestamp
from llmesc.state.usage import WASTED, Used

PRICE = Price(input_per_million=Decimal(3), output_per_million=Decimal(15))
TOP = Yardstick(tier=Tier.FRONTIER, ref="claude/big", price=PRICE)
TOPS = {"default": TOP}


def cell(**more: Any) -> Used:
    base = {"ref": "lab@gpu1/qwen", "tier": "vllm", "chain": "default", "caller": "ann@web1", "fate": "answer", "longer_than": 0}
    return Used(**{**base, "calls": 2, "input_tokens": 1_000_000, "output_tokens": 100_000, "cost": Decimal("0.25"), **more})


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, Saved(answers=2, cost=Decimal("0.25"), at_the_top=Decimal("4.5"))),
        ({"cost": Decimal(0)}, Saved(answers=2, at_the_top=Decimal("4.5"))),
        ({"cost": None}, Saved(unknown=2)),
        ({"longer_than": None}, Saved(unknown=2)),
        ({"chain": "gone"}, Saved(unknown=2)),
        ({"tier": "frontier"}, Saved()),
        ({"fate": "failed"}, Saved()),
        ({"fate": "open"}, Saved()),
    ],
)
def test_an_answer_below_the_top_is_measured_by_it(more: dict[str, Any], found: Saved) -> None:
    assert saved([cell(**more)], TOPS, ()) == found


def test_a_top_that_nobody_knows_the_price_of_saves_nobody_knows_what() -> None:
    assert saved([cell()], {"default": Yardstick(tier=Tier.CLOUD, ref="openai/x", price=None)}, ()) == Saved(unknown=2)


def test_own_machines_at_the_top_save_nothing() -> None:
    top = {"default": Yardstick(tier=Tier.VLLM, ref="lab/x", price=None)}

    assert saved([cell(tier="local", cost=Decimal(0))], top, ()) == Saved(answers=2)


def test_a_lower_tier_that_was_dearer_saves_less_than_nothing() -> None:
    assert saved([cell(cost=Decimal(5))], TOPS, ()).dollars == Decimal("-0.5")


@pytest.mark.parametrize(("longer_than", "dollars"), [(0, "4.5"), (1, "9"), (2, "9")])
def test_longer_prompts_have_the_price_of_their_length(longer_than: int, dollars: str) -> None:
    tier = PriceTier(above_input_tokens=200_000, input_per_million=Decimal(6), output_per_million=Decimal(30))
    price = Price(input_per_million=Decimal(3), output_per_million=Decimal(15), tiers=(tier,))
    other = Yardstick(tier=Tier.CLOUD, ref="o/x", price=Price(**_fields(price, above=272_000)))
    tops = {"default": Yardstick(tier=Tier.FRONTIER, ref="claude/big", price=price), "other": other}
    lengths = prompt_lengths(tops.values())

    assert lengths == (200_000, 272_000)
    assert saved([cell(longer_than=longer_than)], tops, lengths).at_the_top == Decimal(dollars)


def _fields(price: Price, above: int) -> dict[str, Any]:
    tiers = (PriceTier(above_input_tokens=above, input_per_million=Decimal(9), output_per_million=Decimal(9)),)
    return {"input_per_million": price.input_per_million, "output_per_million": price.output_per_million, "tiers": tiers}


def test_what_is_paid_for_each_request_counts_for_each_answer() -> None:
    price = Price(input_per_million=Decimal(3), output_per_million=Decimal(15), per_request=Decimal("0.01"))

    found = saved([cell()], {"default": Yardstick(tier=Tier.CLOUD, ref="o/x", price=price)}, ())

    assert found.at_the_top == Decimal("4.52")


CONFIG = """
[providers.embedded]
api = "simulated"
tier = "local"
models = ["small"]
[providers.openai]
api = "simulated"
tier = "cloud"
models = [{ name = "free" }, { name = "mini", price = { input_per_million = "1", output_per_million = "2" } }]
[providers.claude]
api = "simulated"
tier = "frontier"
models = ["unpriced"]
[chains]
cheap = ["embedded/small", "openai/free"]
own = ["embedded/small"]
mixed = ["embedded/small", "claude/unpriced", "openai/free", "openai/mini"]
"""


def test_the_top_of_a_chain_is_its_highest_tier_with_a_price(tmp_path: Any) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    config = load(file, {})

    tops = yardsticks(config, offerings(config), "default")

    assert {name: (top.tier.label, top.ref, top.price is not None) for name, top in tops.items()} == {
        "default": ("cloud", "openai/mini", True),
        "cheap": ("cloud", "openai/free", False),
        "own": ("local", "embedded/small", False),
        "mixed": ("cloud", "openai/mini", True),
    }


FATES = st.sampled_from(["answer", "open", *WASTED])
CELLS = st.lists(
    st.builds(
        cell,
        ref=st.sampled_from(["lab@gpu1/qwen", "lab@gpu2/qwen", "claude/big"]),
        tier=st.sampled_from(["local", "frontier"]),
        chain=st.sampled_from(["default", "gone"]),
        caller=st.sampled_from(["a", "b"]),
        fate=FATES,
        calls=st.integers(1, 9),
        cost=st.none() | st.decimals(0, 100, places=9),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(cells=CELLS, by=st.sampled_from([by for by in GROUPINGS if by != "day"]))
def test_however_it_is_grouped_the_sums_are_those_of_all_together(cells: list[Used], by: Any) -> None:
    lines, total = grouped_lines(cells, by, TOPS, ()), line(cells, TOPS, ())

    assert sum(one.whole.calls for one in lines) == total.whole.calls
    assert sum((one.whole.cost for one in lines), Decimal(0)) == total.whole.cost
    assert sum((one.saved.dollars for one in lines), Decimal(0)) == total.saved.dollars
    assert total.answers + total.wasted.calls + total.fates["open"].calls == total.whole.calls
    assert len({one.name for one in lines}) == len(lines)
    costs = [one.whole.cost for one in lines]
    assert costs == sorted(costs, reverse=True)


def test_of_days_the_newest_is_first_and_those_before_the_first_call_are_left_out() -> None:
    days = [(Timestamp(0), []), (Timestamp(1), [cell()]), (Timestamp(2), []), (Timestamp(3), [cell()]), (Timestamp(4), [])]

    lines = day_lines(days, TOPS, ())

    assert [(one.since, one.whole.calls) for one in lines] == [(4, 0), (3, 2), (2, 0), (1, 2)]
    assert day_lines(days[:1], TOPS, ()) == []


def test_a_bill_of_unknown_height_is_counted_and_own_machines_send_none() -> None:
    cells = [cell(cost=None), cell(cost=None, tier="cloud", calls=3), cell(cost=Decimal(1), tier="cloud")]

    whole = line(cells, TOPS, ()).whole

    assert (whole.calls, whole.cost, whole.unknown) == (7, Decimal(1), 3)
