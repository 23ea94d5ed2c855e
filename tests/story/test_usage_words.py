"""What was used, in words and bars: nothing unknown is taken for nothing."""

from __future__ import annotations

import time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.engine import Usage, Yardstick
from llmesc.engine.used import line
from llmesc.escalation.resolution import Price, Tier
from llmesc.escalation.times import Timestamp
from llmesc.state.usage import Used
from llmesc.story.bars import lying_in_part
from llmesc.story.days import date, days_between
from llmesc.story.usage_words import header, line_json, row, summary


@pytest.mark.parametrize(
    ("value", "part", "bar"),
    [
        (8, 0, ("████", "")),
        (8, 4, ("██", "▒▒")),
        (8, 0.01, ("███", "▒")),
        (8, 7.99, ("█", "▒▒▒")),
        (8, 8, ("", "▒▒▒▒")),
        (0.01, 0, ("█", "")),
        (0.01, 0.01, ("", "▒")),
        (0, 0, ("", "")),
    ],
)
def test_a_bar_shows_its_part_and_neither_is_lost(value: float, part: float, bar: tuple[str, str]) -> None:
    assert lying_in_part(value, part, 8, 4) == bar


@settings(deadline=None)
@given(value=st.floats(0, 1e6), share=st.floats(0, 1), top=st.floats(0, 1e6), width=st.integers(0, 60))
def test_a_bar_never_outgrows_its_place(value: float, share: float, top: float, width: int) -> None:
    assert len("".join(lying_in_part(value, value * share, top, width))) <= width


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        (1_792_933_200, 1_792_940_400, [2]),  # 2026-10-25, an hour after noon
        (1_792_846_800, 1_792_933_200, [9, 15]),  # over the midnight before the clocks were changed
        (1_792_854_000, 1_793_019_600, [7, 25, 14]),
    ],
)
def test_days_are_the_operators_also_where_one_has_25_hours(
    since: int, until: int, hours: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        moments = days_between(Timestamp(since), Timestamp(until))
        dates = [date(at) for at in moments[:-1]]
    finally:
        monkeypatch.undo()
        time.tzset()

    assert [(two - one) / 3600 for one, two in pairwise(moments)] == hours
    assert dates == sorted(set(dates))


# -- the sentences ------------------------------------------------------------------------------------------------------------


def cell(**more: Any) -> Used:
    base = {"ref": "lab/qwen", "tier": "vllm", "chain": "default", "caller": "ann", "fate": "answer", "longer_than": 0}
    return Used(**{**base, "calls": 2, "input_tokens": 1_000_000, "output_tokens": 100_000, "cost": Decimal("0.25"), **more})


TOPS = {
    "default": Yardstick(
        tier=Tier.FRONTIER, ref="claude/big", price=Price(input_per_million=Decimal(3), output_per_million=Decimal(15))
    )
}


def sentences(*cells: Used) -> str:
    total = line(cells, TOPS, ())
    return "\n".join(summary(Usage(by="day", since=Timestamp(0), until=Timestamp(9), lines=(total,), total=total, tops=TOPS)))


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([cell()], "total: 2 calls, 2 answers, 1,000,000 → 100,000 tokens, $0.2500"),
        ([cell()], "wasted: nothing, every call that ended gave its answer"),
        ([cell()], "saved: $4.25: 2 answers of lower tiers cost $0.2500, and at the top of their chain would have cost $4.50"),
        ([cell()], "today's price of the highest tier that has one (default: claude/big)"),
        ([cell(cost=Decimal(5))], "saved: -$0.5000: "),
        (
            [cell(fate="failed"), cell()],
            "wasted: $0.2500 (50% of the cost) in 2 calls that did not become the answer: 2 failed; ",
        ),
        ([cell(fate="hedged_away", cost=Decimal("0.001")), cell()], "(<1% of the cost)"),
        ([cell(tier="cloud", cost=None)], "? of 2 calls nobody knows the cost"),
        ([cell(tier="cloud", cost=None)], "saved: unknown; of 2 answers it cannot be told: "),
        ([cell(), cell(cost=None, longer_than=None)], "  ? of 2 answers it cannot be told: "),
        ([cell(fate="open", cost=None)], "2 calls still run, or ended with their process"),
        ([cell(tier="frontier")], "saved: nothing, no answer came from a tier below the top of its chain"),
        ([cell(tier="cloud", cost=None), cell()], "≥$0.2500"),
    ],
)
def test_what_is_known_and_what_is_not_is_said(cells: list[Used], told: str) -> None:
    assert told in sentences(*cells)


def test_rows_and_objects_have_the_same_fields_in_the_same_order() -> None:
    total = line([cell(), cell(fate="failed", cost=Decimal("1E-7"))], TOPS, (), name="lab")

    assert len(header("provider")) == len(row(total))
    made = line_json(total, "provider")
    assert [str(made[name]) for name in header("provider")] == row(total)
    assert made["wasted_cost"] == "0.0000001", "no exponent, which spreadsheets round"
