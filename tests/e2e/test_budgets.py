"""Spending budgets between real processes: who is over one is passed over, and who dies keeps what it had reserved."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

PRICE = 'price = { input_per_million = "1", output_per_million = "100" }, max_output_tokens = 100'
"""A call of a few words reserves a little more than a cent."""

CHAIN = """
[[budgets]]
per = "provider"
name = "a"
daily = "%s"
[timeouts]
stall = "60s"
[providers.a]
api = "openai"
tier = "cloud"
base_url = "%s"
models = [{ name = "m", PRICE }, { name = "n", PRICE }]
[providers.b]
api = "openai"
tier = "frontier"
base_url = "%s"
models = [{ name = "m", PRICE }]
[chains]
default = ["a/m", "a/n", "b/m"]
alone = ["a/m", "a/n"]
""".replace("PRICE", PRICE)


def budget(shell: Any) -> dict[str, Decimal]:
    [line] = shell.run("budgets", "--json").json()
    assert (line["per"], line["name"], line["period"]) == ("provider", "a", "day")
    return {name: Decimal(line[name]) for name in ("settled", "reserved", "left")}


def test_where_a_budget_is_reached_in_mid_chain_the_next_provider_answers(shell: Any, sick: Any, well: Any) -> None:
    shell.config = CHAIN % ("0.0105", sick.server.base_url, well.server.base_url)
    sick.server.script["m"] = "length"

    asked = shell.run("ask", "What is Raft?", "-v")

    assert asked.code == 0
    assert "  reserved $0.0100 of the budgets of provider a\n" in asked.err
    assert "↷ skipped a/n: over budget (daily budget of provider a: the call may cost $0.0100, $0.00" in asked.err
    assert "switched a/m → b/m" in asked.err
    spent = budget(shell)
    assert spent["reserved"] == 0
    assert Decimal("0.0002") < spent["settled"] < Decimal("0.01"), "what was used, not what was reserved"
    assert spent["left"] == Decimal("0.0105") - spent["settled"]


def test_what_calls_that_go_on_may_cost_is_not_there_for_others_even_if_they_are_killed(shell: Any, sick: Any, well: Any) -> None:
    shell.config = CHAIN % ("0.025", sick.server.base_url, well.server.base_url)
    sick.server.script["m"] = "hang_midway"
    with ExitStack() as running:
        first, second = (running.enter_context(shell.start("ask", "What is Raft?", "--jsonl")) for _ in range(2))
        for process in (first, second):
            assert any('"text_delta"' in line for line in process.stdout)
        held = budget(shell)

        asked = shell.run("ask", "What is Raft?", "--chain", "alone", "--json")
        other = shell.run("ask", "What is Raft?", "-q")
        foreseen = shell.run("chain", "show", "--for", "What is Raft?", "--json").json()["candidates"]
        first.send_signal(signal.SIGKILL)
        second.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in second.stdout]
        first.wait()
        second.wait()

    assert held["settled"] == 0
    assert Decimal("0.02") < held["reserved"] < Decimal("0.021")
    assert asked.code == 7
    assert asked.json()["outcome"] == "deadline"
    assert asked.json()["error"]["retry_at"].endswith("T00:00:00.000000Z")
    assert "a spending budget would be passed by every call" in asked.err
    assert "next: llmesc budgets" in asked.err
    assert other.code == 0, "another provider has its own money"
    assert [each["skip"] for each in foreseen] == ["over_budget", "over_budget", None]
    left = budget(shell)
    assert left["reserved"] == held["reserved"] / 2, "of the killed one, until its lease ends"
    cancelled = next(event for event in rest if event["type"] == "attempt_finished")
    assert left["settled"] == Decimal(cancelled["cost"]) > 0
