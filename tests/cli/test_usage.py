"""`llmesc usage`: the same figures for eyes, for spreadsheets and for programs; waste and savings on their own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_and_big import CONFIG, asked

Llmesc = Callable[..., Any]

FIELDS = [
    "calls",
    "answers",
    "open",
    "input_tokens",
    "output_tokens",
    "cost",
    "cost_unknown",
    "wasted_calls",
    "wasted_input_tokens",
    "wasted_output_tokens",
    "wasted_cost",
    "wasted_cost_unknown",
    "saved",
    "saved_answers",
    "saved_unknown",
    "judge_calls",
    "judge_input_tokens",
    "judge_output_tokens",
    "judge_cost",
    "judge_cost_unknown",
    "billed_cost",
    "billed_cost_unknown",
]
JUDGE = """
[quality.judge]
model = "wise/m"
[providers.wise]
api = "simulated"
tier = "frontier"
models = [{ name = "m", price = { input_per_million = "3", output_per_million = "15" } }]
script = { text = "90 It will do." }
"""


@pytest.fixture(autouse=True)
def _asked(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CONFIG)
    asked(llmesc)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("provider", ["big", "own"]),
        ("model", ["big/m", "own/m"]),
        ("chain", ["default"]),
    ],
)
def test_every_grouping_names_its_rows(by: str, names: list[str], llmesc: Llmesc) -> None:
    rows = [line.split("\t") for line in llmesc("usage", "--by", by).out.splitlines()]

    assert [row[0] for row in rows] == names
    assert sum(int(row[1]) for row in rows) == 3


def test_callers_are_told_apart_by_the_name_they_gave(llmesc: Llmesc) -> None:
    found = {line["caller"]: line for line in json.loads(llmesc("usage", "--by", "caller", "--json").out)}

    assert len(found) == 2
    assert (found["billing"]["calls"], found["billing"]["wasted_calls"]) == (1, 0)


def test_rows_csv_and_json_say_the_same(llmesc: Llmesc) -> None:
    plain = [line.split("\t") for line in llmesc("usage", "--by", "model").out.splitlines()]
    header, *table = csv.reader(io.StringIO(llmesc("usage", "--by", "model", "--csv").out))
    objects = json.loads(llmesc("usage", "--by", "model", "--json").out)

    assert header == ["model", *FIELDS]
    assert table == plain
    assert [[str(one[name]) for name in header] for one in objects] == table
    assert objects[1]["wasted_by"] == {"failed": 0, "below_bar": 1, "cancelled": 0, "hedged_away": 0}


def test_an_answer_of_a_lower_tier_saved_what_it_would_have_cost_at_the_top(llmesc: Llmesc) -> None:
    (whole,) = json.loads(llmesc("usage", "--by", "chain", "--json").out)
    own = next(line for line in json.loads(llmesc("usage", "--by", "provider", "--json").out) if line["provider"] == "own")
    answered = (own["input_tokens"] - own["wasted_input_tokens"]) + (own["output_tokens"] - own["wasted_output_tokens"])

    assert float(whole["saved"]) == pytest.approx(answered / 1000)
    assert (whole["saved_answers"], whole["saved_unknown"]) == (1, 0)
    assert (whole["answers"], whole["wasted_calls"]) == (2, 1)


def test_a_terminal_gets_a_table_with_bars_and_the_sentences(llmesc: Llmesc) -> None:
    shown = llmesc("usage", terminals="in out", width=120).out.splitlines()

    assert shown[0].startswith("usage by day since ")
    assert " ".join(shown[2].split()) == "DAY CALLS ANSWERS TOKENS IN OUT COST WASTED SAVED COST, ▒ WASTED"
    assert shown[3].endswith("█")
    assert shown[5].startswith("total: 3 calls, 2 answers, ")
    assert " in 1 call that did not become the answer: 1 below the bar; " in shown[6]
    assert shown[7].startswith("saved: $")
    assert shown[8].endswith("(default: big/m)")


def test_without_a_judge_nothing_is_said_of_one(llmesc: Llmesc) -> None:
    (day,) = json.loads(llmesc("usage", "--json").out)
    shown = llmesc("usage", terminals="in out", width=120).out

    assert (day["judge_calls"], day["judge_cost"], day["billed_cost"]) == (0, "0", day["cost"])
    assert "JUDGE" not in shown and "judge" not in shown and "billed" not in shown


def test_what_a_judge_used_stands_apart_and_makes_the_bill_with_the_rest(
    llmesc: Llmesc, configure: Callable[[str], Path]
) -> None:
    configure(CONFIG + JUDGE + "[chains]\ndefault = ['own/m', 'big/m']")
    (before,) = json.loads(llmesc("usage", "--json").out)
    made = json.loads(llmesc("ask", "easy", "--json").out)
    judge = made["totals"]["judge"]

    (day,) = json.loads(llmesc("usage", "--json").out)
    providers = {line["provider"]: line for line in json.loads(llmesc("usage", "--by", "provider", "--json").out)}
    shown = llmesc("usage", "--by", "provider", terminals="in out", width=120).out

    assert made["attempts"][0]["judge"]["cost"] == made["attempts"][0]["quality"]["judge"]["cost"] == judge["cost"]
    assert Decimal(made["totals"]["billed_cost"]) == Decimal(made["totals"]["cost"]) + Decimal(judge["cost"])
    assert (day["calls"], day["cost"]) == (before["calls"] + 1, before["cost"]), "a judge's call is no attempt"
    assert (day["judge_calls"], day["judge_cost"]) == (1, judge["cost"])
    assert Decimal(day["billed_cost"]) == Decimal(day["cost"]) + Decimal(judge["cost"])
    wise = providers["wise"]
    assert (wise["calls"], wise["judge_calls"], wise["judge_input_tokens"]) == (0, 1, judge["usage"]["input_tokens"])
    assert wise["billed_cost"] == judge["cost"]
    assert " ".join(next(line for line in shown.splitlines() if line.startswith("wise")).split()) == "wise – $0.0005 $0.0005"
    assert f"judge: 1 call beside these, {judge['usage']['input_tokens']} → 4 tokens, $0.0005" in shown


def test_a_narrow_terminal_goes_without_bars(llmesc: Llmesc) -> None:
    shown = llmesc("usage", terminals="in out", width=60).out

    assert "▒" not in shown and "█" not in shown


@pytest.mark.parametrize("width", [45, 60, 80])
def test_no_row_is_wider_than_the_terminal(width: int, llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(CONFIG + JUDGE + "[chains]\ndefault = ['own/m', 'big/m']")
    assert llmesc("ask", "easy").code == 0

    shown = llmesc("usage", "--by", "provider", terminals="in out", width=width).out.splitlines()
    table = shown[2 : shown.index("", 2)]

    assert [line.split()[0] for line in table] == ["PROVIDER", "big", "wise", "own"]
    assert max(map(len, table)) <= width
    assert {"COST", "WASTED", "JUDGE", "BILLED"} <= set(table[0].split())


def test_nothing_was_asked_in_that_time(llmesc: Llmesc, home: Path) -> None:
    elsewhere = ["--state", f"sqlite://{home / 'other.db'}"]

    assert llmesc(*elsewhere, "usage").out == ""
    assert llmesc(*elsewhere, "usage", "--json").out == "[]\n"
    assert llmesc(*elsewhere, "usage", "--csv").out == ",".join(["day", *FIELDS]) + "\n"
    assert llmesc(*elsewhere, "usage", terminals="in out").err.startswith("nothing was asked")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--by", "hour"], "--by: 'hour' is none of day, provider, model, chain, caller"),
        (["--since", "yore"], "--since: 'yore' is neither a duration (2h) nor a date"),
        (["--since", "2999-01-01"], "--since: '2999-01-01' is not past"),
        (["--json", "--csv"], "--json and --csv: one of them"),
    ],
)
def test_what_cannot_be_asked_is_named(options: list[str], problem: str, llmesc: Llmesc) -> None:
    done = llmesc("usage", *options)

    assert done.code == 2
    assert problem in done.err + done.out


def test_a_caller_with_a_hostile_name_cannot_steer_the_terminal(llmesc: Llmesc) -> None:
    llmesc("ask", "--caller", "\x1b[31mred\tx", "easy")

    for shown in (llmesc("usage", "--by", "caller", terminals="in out"), llmesc("usage", "--by", "caller")):
        assert "\x1b" not in shown.out
