"""How values read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from llmesc.cli.options import dollars, duration
from llmesc.escalation.events import AttemptOutcome, RunOutcome
from llmesc.escalation.messages import Usage
from llmesc.escalation.times import Timestamp
from llmesc.story import words


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.04, "40 ms"),
        (0.2, "0.2 s"),
        (2.4, "2.4 s"),
        (42, "42 s"),
        (119, "119 s"),
        (180, "3 min"),
        (7_300, "2 h"),
        (432_000, "5 d"),
    ],
)
def test_seconds(value: float, told: str) -> None:
    assert words.seconds(value) == told


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        (Decimal(0), "$0.00"),
        (Decimal("0.0031"), "$0.0031"),
        (Decimal("0.00001"), "<$0.0001"),
        (Decimal("12.4"), "$12.40"),
    ],
)
def test_money(cost: Decimal, told: str) -> None:
    assert words.money(cost) == told


def test_tokens_say_when_they_are_estimated_and_when_unknown() -> None:
    assert words.tokens(Usage(input_tokens=412, output_tokens=1204)) == "412 → 1,204 tokens"
    assert words.tokens(Usage(input_tokens=412, output_tokens=None, estimated=True)) == "~412 → ? tokens"


def test_an_unknown_cost_is_told_only_where_somebody_sends_a_bill() -> None:
    usage = Usage(input_tokens=1, output_tokens=2)

    assert words.spent(usage, None, hosted=False) == "1 → 2 tokens"
    assert words.spent(usage, None, hosted=True) == "1 → 2 tokens · cost unknown"
    assert words.spent(usage, Decimal("0.5"), hosted=False) == "1 → 2 tokens · $0.5000"


def test_a_moment_of_today_is_a_time_and_one_of_another_day_a_date() -> None:
    now = Timestamp(1_800_000_000.0)

    assert words.lately(Timestamp(now - 2), now) == words.moment(Timestamp(now - 2))[11:]
    assert words.lately(Timestamp(now - 86_400 * 3), now) == words.moment(Timestamp(now - 86_400 * 3))[:10]


def test_a_time_ahead_says_how_long_and_a_past_one_that_it_is_now() -> None:
    now = Timestamp(1_800_000_000.0)

    assert words.ahead(Timestamp(now + 42), now).endswith("(in 42 s)")
    assert words.ahead(Timestamp(now - 1), now).endswith("(now)")
    assert words.ahead(Timestamp(now + 86_400 * 3), now).startswith("2027-01-18 ")


@pytest.mark.parametrize("outcome", [*RunOutcome, *AttemptOutcome, "running", "interrupted"])
def test_every_outcome_has_a_glyph_and_a_word(outcome: str) -> None:
    told, _ = words.outcome_words(outcome)

    assert told[1] == " "
    assert len(told) > 3
    assert "_" not in told


def test_amounts_and_durations_of_options() -> None:
    assert dollars("--max-cost", "$0.05") == Decimal("0.05")
    assert dollars("--max-cost", None) is None
    assert duration("--deadline", "1m30s") == 90.0
    for wrong in ("cheap", "-1", "nan", "inf", ""):
        with pytest.raises(Exception, match="--max-cost"):
            dollars("--max-cost", wrong)
    for wrong in ("soon", "0s", "-5s", ""):
        with pytest.raises(Exception, match="--deadline"):
            duration("--deadline", wrong)
