"""The tokens and dollars of one run, attempt by attempt."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from llmesc.escalation.messages import Usage

_Counted = Literal["input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"]


class Ledger:
    """What each attempt used; nothing of one attempt leaks into the next."""

    def __init__(self) -> None:
        self._usages: list[Usage] = []
        self._costs: list[Decimal | None] = []

    def settle(self, usage: Usage, cost: Decimal | None) -> int:
        """One attempt is over; where it stands here."""
        self._usages.append(usage)
        self._costs.append(cost)
        return len(self._costs) - 1

    def price(self, at: int, cost: Decimal) -> None:
        """What the one that stands at `at` cost, found out later."""
        self._costs[at] = cost

    @property
    def spent(self) -> Decimal:
        """US dollars that are known to be spent."""
        return sum((cost for cost in self._costs if cost is not None), Decimal(0))

    @property
    def cost(self) -> Decimal | None:
        """US dollars of all attempts; None while the cost of one of them is not known."""
        return None if not self._costs or None in self._costs else self.spent

    @property
    def usage(self) -> Usage:
        """The sum; a count that no attempt knows stays unknown."""
        if len(self._usages) == 1:
            return self._usages[0]
        return Usage(
            input_tokens=self._total("input_tokens"),
            output_tokens=self._total("output_tokens"),
            cached_tokens=self._total("cached_tokens"),
            reasoning_tokens=self._total("reasoning_tokens"),
            estimated=any(usage.estimated for usage in self._usages),
        )

    def _total(self, counted: _Counted) -> int | None:
        known = [count for usage in self._usages if (count := getattr(usage, counted)) is not None]
        return sum(known) if known else None
