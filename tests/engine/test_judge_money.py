"""What a judge costs is money: it counts in the run's totals, its cap and its budgets, beside the attempts and told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.fold import RunView, fold

pytestmark = pytest.mark.anyio

PRICE = 'price = { input_per_million = "3", output_per_million = "15" }'
CONFIG = """
BUDGETS
[quality.judge]
model = "wise/m"
weight = 70
timeout = "9s"
[providers.a]
api = "simulated"
tier = "cloud"
models = [{ name = "m", PRICE, script = { text = "It is Lyon." } }]
[providers.b]
api = "simulated"
tier = "cloud"
models = [{ name = "m", PRICE, script = { text = "It is Paris." } }]
[providers.wise]
tier = "frontier"
WISE
[chains]
default = ["a/m", "b/m"]
"""
WISE = """api = "simulated"
models = [{ name = "m", PRICE, script = SCRIPT }]"""
GOOD = '{ text = "90 It is right." }'
BAD = '{ text = "12 It is Paris." }'
DOLLARS = "[[budgets]]\nper = '{per}'\n{name}daily = '{daily}'\n"


@dataclass
class Asked:
    """What came of one request."""

    view: RunView
    warnings: list[str]
    spent: dict[str, tuple[Decimal, Decimal]]
    """Settled and reserved today, by bucket."""


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Any]:
    async def asked(script: str, budgets: str = "", price: str = PRICE, wise: str = "", **options: Any) -> Asked:
        path = tmp_path / "config.toml"
        judge = f'{wise}\nmodels = ["m"]' if wise else WISE.replace("SCRIPT", script)
        path.write_text(CONFIG.replace("BUDGETS", budgets).replace("WISE", judge).replace("PRICE", price))
        warnings: list[str] = []
        async with Engine.open(config=load(path, {"LLMESC_STATE": "memory:"}), on_warning=warnings.append) as engine:
            view = RunView()
            async with engine.start("Capital of France?", AskOptions(caller="ci", **options)) as run:
                async for event in run:
                    view = fold(view, event)
            lines = {line.account: line.spent for line in await engine.operations.budgets()}
        found = {account.bucket: (spent.settled, spent.reserved) for account, spent in lines.items() if account.period == "day"}
        return Asked(view, warnings, found)

    return asked


def budget(daily: str, per: str = "provider", name: str = "wise") -> str:
    return DOLLARS.format(per=per, daily=daily, name=f"name = '{name}'\n" if name else "")


class TestTotals:
    async def test_each_call_of_a_judge_is_counted_beside_the_attempts(self, ask: Any) -> None:
        view = (await ask(BAD)).view

        judges = [attempt.judge for attempt in view.attempts]
        own = sum(attempt.cost for attempt in view.attempts)
        totals = view.totals
        assert len(judges) == 2
        assert totals.judge.calls == 2
        assert totals.judge.usage.input_tokens == sum(judge.usage.input_tokens for judge in judges)
        assert totals.judge.cost == sum(judge.cost for judge in judges) > 0
        assert totals.cost == own, "the sum over the attempts stays what it was"
        assert totals.billed_cost == own + totals.judge.cost

    async def test_without_a_judge_there_is_nothing_to_tell(self, ask: Any) -> None:
        view = (await ask(GOOD, quality_threshold=0)).view

        assert view.totals.judge is None
        assert view.totals.billed_cost == view.totals.cost

    async def test_a_judge_of_unknown_price_makes_the_bill_unknown(self, ask: Any) -> None:
        view = (await ask(GOOD, price="max_output_tokens = 100")).view

        assert view.totals.judge.calls == 1
        assert (view.totals.judge.cost, view.totals.billed_cost) == (None, None)

    async def test_a_judge_that_the_deadline_cuts_off_is_on_record(self, ask: Any) -> None:
        view = (await ask('{ fail = "hang" }', deadline_seconds=0.2)).view

        [attempt] = view.attempts
        assert (attempt.outcome, attempt.quality) == ("cancelled", None)
        assert attempt.judge.cost > 0, "its prompt was sent"
        assert view.totals.judge.cost == attempt.judge.cost


class TestBudgets:
    @pytest.mark.parametrize(("per", "name"), [("provider", "wise"), ("chain", "default"), ("caller", "ci"), ("all", "")])
    async def test_what_it_cost_is_settled_on_every_budget_that_it_counts_against(self, ask: Any, per: str, name: str) -> None:
        asked = await ask(GOOD, budget("5.00", per, name))

        totals = asked.view.totals
        expected = totals.judge.cost if per == "provider" else totals.billed_cost
        bucket = f"{per}:{name}" if name else per
        settled, reserved = asked.spent[bucket]
        assert reserved == 0
        assert expected <= settled < expected + Decimal("0.000000002"), "to the next billionth"
        assert asked.view.attempts[0].judge.reserved.dollars > totals.judge.cost

    async def test_one_that_could_pass_a_budget_is_not_asked_and_holds_nothing_against_the_answer(self, ask: Any) -> None:
        asked = await ask(BAD, budget("0.01"))

        assert asked.view.outcome == "answered"
        assert asked.view.totals.judge is None
        assert asked.spent["provider:wise"] == (0, 0)
        [warning] = asked.warnings
        assert "wise/m: over_budget, daily budget of provider wise: the call may cost $0." in warning

    async def test_one_without_a_price_is_not_asked_where_the_budget_refuses_that(self, ask: Any) -> None:
        nowhere = 'api = "openai"\nbase_url = "http://127.0.0.1:9/v1"'
        asked = await ask(BAD, budget("5.00") + "unpriced = 'refuse'\n", wise=nowhere)

        assert asked.view.totals.judge is None
        assert "wise/m: no_price, the budget of provider wise refuses what has no known price" in asked.warnings[0]

    async def test_one_that_failed_before_anything_came_gives_its_money_back(self, ask: Any) -> None:
        asked = await ask('{ fail = "503" }', budget("5.00"))

        assert asked.spent["provider:wise"] == (0, 0)


class TestCap:
    async def test_one_that_would_pass_the_cap_of_the_run_is_not_asked(self, ask: Any) -> None:
        asked = await ask(BAD, max_cost=Decimal("0.001"))

        assert asked.view.outcome == "answered"
        assert asked.view.totals.judge is None
        assert "wise/m: over_budget, would cost at least $0.00" in asked.warnings[0]

    async def test_what_it_cost_is_no_longer_there_for_the_next_attempt(self, ask: Any) -> None:
        free = (await ask(BAD)).view
        first = free.attempts[0]
        cap = first.cost + first.judge.cost + Decimal("0.0015")

        asked = await ask(BAD, max_cost=cap)

        assert asked.view.attempts[1].allowance.dollars == cap - first.cost - first.judge.cost
