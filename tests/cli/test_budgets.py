"""`llmesc budgets`: what may be spent, what is, and what is left."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Llmesc = Callable[..., Any]

PRICE = 'price = { input_per_million = "10", output_per_million = "100" }, max_output_tokens = 100'

TEXT = f"""
[[budgets]]
per = "caller"
daily = "0.50"
[[budgets]]
per = "caller"
name = "ci"
daily = "0.01"
[[budgets]]
per = "all"
daily = "2"
monthly = "20.00"
[providers.dear]
api = "simulated"
tier = "frontier"
models = [{{ name = "m", {PRICE} }}]
"""


def test_without_budgets_a_person_is_told_how_to_have_one(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure("")

    assert (llmesc("budgets").out, llmesc("budgets", "--json").out.strip()) == ("", "[]")
    told = llmesc("budgets", terminals="in out err").err
    assert told == "no budgets: [[budgets]] in the configuration says what may be spent; next: llmesc config edit\n"


def test_each_is_told_to_programs_with_whole_amounts(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(TEXT)
    assert llmesc("ask", "hi", "--caller", "night job").code == 0

    rows = [line.split("\t") for line in llmesc("budgets").out.splitlines()]
    lines = json.loads(llmesc("budgets", "list", "--json").out)

    assert [row[:3] for row in rows] == [
        ["caller:ci", "day", "0.01"],
        ["caller:night job", "day", "0.50"],
        ["all", "day", "2"],
        ["all", "month", "20.00"],
    ]
    assert [(line["per"], line["name"], line["period"], line["limit"]) for line in lines] == [
        ("caller", "ci", "day", "0.01"),
        ("caller", "night job", "day", "0.50"),
        ("all", None, "day", "2"),
        ("all", None, "month", "20.00"),
    ]
    assert lines[0]["settled"] == lines[0]["reserved"] == lines[3]["reserved"] == "0"
    assert lines[1]["settled"] == lines[2]["settled"] == lines[3]["settled"] != "0"
    assert float(lines[3]["left"]) == 20 - float(lines[3]["settled"])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\.000000Z", row[6]) for row in rows)


def test_a_person_sees_a_table(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(TEXT)

    head, first, *_ = llmesc("budgets", terminals="in out", width=120).out.splitlines()

    assert head.split() == ["BUDGET", "PER", "LIMIT", "SETTLED", "RESERVED", "LEFT", "BEGINS", "ANEW"]
    assert first.split()[:7] == ["caller", "ci", "day", "$0.0100", "$0.00", "$0.00", "$0.0100"]


def test_a_plan_foresees_the_budget_of_who_would_ask(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(TEXT)

    [own] = json.loads(llmesc("chain", "show", "--caller", "ci", "--json").out)["candidates"]
    [other] = json.loads(llmesc("chain", "show", "--json").out)["candidates"]
    [dry] = json.loads(llmesc("ask", "hi", "--dry-run", "--caller", "ci", "--json").out)["candidates"]

    assert (own["skip"], dry["skip"], other["skip"]) == ("over_budget", "over_budget", None)
    assert own["detail"] == "daily budget of caller ci: the call may cost $0.0101, $0.01 of $0.01 is left"
    assert own["retry_at"].endswith("T00:00:00.000000Z")


def test_who_is_over_every_budget_hears_when_it_begins_anew(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(TEXT)

    asked = llmesc("ask", "hi", "--caller", "ci")

    assert asked.code == 7
    assert "error: a spending budget would be passed by every call\n" in asked.err
    assert "  the soonest candidate may be tried at " in asked.err
    assert "next: llmesc budgets\n" in asked.err
