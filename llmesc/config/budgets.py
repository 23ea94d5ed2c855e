"""`[[budgets]]`: how much may be spent in a day and in a month."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast, get_args

from llmesc.config.model import Config, ProviderConfig
from llmesc.config.reading import Table
from llmesc.config.wording import nearest, shown
from llmesc.escalation.budget import Budget, Per, Unpriced

if TYPE_CHECKING:
    from llmesc.config.describe import Value

_EXAMPLE = '{ per = "provider", name = "openai", daily = "5.00", monthly = "100.00" }'


def budgets(top: Table, providers: Sequence[ProviderConfig], chains: Mapping[str, object]) -> tuple[Budget, ...]:
    """All of them; that a chain or a provider of that name exists is judged here, who calls is not."""
    known: dict[Per, Collection[str]] = {
        "chain": dict.fromkeys(("default", *chains)),
        "provider": [provider.name for provider in providers],
    }
    found: dict[tuple[Per, str | None], Budget] = {}
    for row in top.rows("budgets", _EXAMPLE):
        budget = _budget(row, known)
        if budget is None:
            continue
        if (budget.per, budget.name) in found:
            whose = f"{budget.per} {shown(budget.name)}" if budget.name else f'per = "{budget.per}" without a name'
            row.wrong("", f"a second budget for {whose}; keep one of them, it may have daily and monthly")
        found[budget.per, budget.name] = budget
    return tuple(found.values())


def _budget(row: Table, known: Mapping[Per, Collection[str]]) -> Budget | None:
    if "per" not in row:
        row.wrong("per", f"missing; allowed: one of {', '.join(get_args(Per))}")
    per = cast("Per | None", row.choice("per", get_args(Per), None))
    budget = Budget(
        per=per or "all",
        name=row.text("name", None),
        daily=row.money("daily", None),
        monthly=row.money("monthly", None),
        unpriced=cast("Unpriced", row.choice("unpriced", get_args(Unpriced), "allow")),
    )
    if "daily" not in row and "monthly" not in row:
        row.wrong("", 'neither daily nor monthly is said; allowed: US dollars, like daily = "5.00"')
    if per is None:
        return None
    if budget.name is not None and per == "all":
        row.wrong("name", "a budget for all calls has no name; leave it out, or say whose it is with per")
    elif budget.name is not None and per in known and budget.name not in known[per]:
        names = known[per]
        allowed = ", ".join(names) or "none is configured"
        row.wrong("name", f"found {shown(budget.name)}: no such {per}{nearest(budget.name, names)}; allowed: {allowed}")
    return budget


def described(budget: Budget) -> dict[str, Value]:
    """As `config show` lists it."""
    return {
        "per": budget.per,
        **({} if budget.name is None else {"name": budget.name}),
        **{name: str(limit) for name, limit in (("daily", budget.daily), ("monthly", budget.monthly)) if limit is not None},
        "unpriced": budget.unpriced,
    }


def doubts(config: Config) -> Iterator[str]:
    """What is allowed but hardly meant, for `config check`."""
    for index, budget in enumerate(config.budgets):
        if budget.daily is not None and budget.monthly is not None and budget.daily > budget.monthly:
            yield f"budgets[{index}]: daily is more than monthly, so it never says no; lower it or leave it out"
    if config.budgets and config.state == "memory:":
        yield "budgets: the state is in memory, so each process has its own and forgets it; name a file or a Redis as state"
