"""What operators see of budgets: each with what is spent, reserved and left."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from llmesc.config.model import Config
from llmesc.escalation.budget import PERIODS, Account, Budget, Per, Spent, begins_anew, in_force, limits_of
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One row of `budgets list`: a budget of one chain, provider or caller, for a day or a month."""

    account: Account
    limit: Decimal
    spent: Spent

    @property
    def left(self) -> Decimal:
        """What may still be reserved; below zero where calls cost more than was foreseen, or the budget was lowered."""
        return self.limit - self.spent.total


def configured_accounts(config: Config) -> Mapping[Account, Decimal]:
    """Every account that is known beforehand to be held to a budget: all chains and providers, and callers whose budget has their
    name.
    """
    names: dict[Per, Collection[str]] = {
        "all": ("",),
        "chain": dict.fromkeys(("default", *config.chains)),
        "provider": [provider.name for provider in config.providers],
        "caller": [budget.name for budget in config.budgets if budget.per == "caller" and budget.name is not None],
    }
    return limits_of(
        (bucket, budget)
        for per, each in names.items()
        for name in each
        for bucket, budget in in_force(config.budgets, {per: name})
    )


def budget_lines(config: Config, spent: Mapping[Account, Spent], now: Timestamp) -> Sequence[BudgetLine]:
    """All, in the order of the configuration and of their names; callers that have no budget of their own name as far as they are
    known. `spent`: every account that has a page now.
    """
    limits = {**configured_accounts(config), **limits_of(_callers(config.budgets, spent))}
    order = {budget.per: index for index, budget in reversed(list(enumerate(config.budgets)))}
    accounts = sorted(limits, key=lambda account: (order[_per(account)], account.bucket, PERIODS.index(account.period)))
    return [
        BudgetLine(
            account=account,
            limit=limits[account],
            spent=spent.get(account) or Spent(begins_anew=begins_anew(account.period, now)),
        )
        for account in accounts
    ]


def _callers(budgets: Sequence[Budget], spent: Mapping[Account, Spent]) -> Iterator[tuple[str, Budget]]:
    for bucket in sorted({account.bucket for account in spent if _per(account) == "caller"}):
        yield from in_force(budgets, {"caller": bucket.partition(":")[2]})


def _per(account: Account) -> Per:
    name = account.bucket.partition(":")[0]
    return next(per for per in ("chain", "provider", "caller", "all") if per == name)
