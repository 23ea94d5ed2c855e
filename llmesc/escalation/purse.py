"""The budgets that the calls of one run count against: what is left of them, and the money for each call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

from llmesc.escalation.budget import Account, Budget, Claim, Over, Per, Reservation, Spent, in_force, limits_of, over, rounded_up
from llmesc.escalation.ports import Health
from llmesc.escalation.resolution import Resolution


def caller_name(caller: Mapping[str, str]) -> str:
    """Who a budget `per = "caller"` means: the name that the caller gives itself, else the user."""
    return caller.get("name") or caller.get("user") or "unknown"


class Purse:
    """Of one run. Without budgets nobody is asked anything."""

    def __init__(
        self, budgets: Sequence[Budget], chain: str, caller: Mapping[str, str], health: Health, unheld: Callable[[str], None]
    ) -> None:
        """`unheld` is told the references of candidates that no budget can hold, each time they are called."""
        self._budgets = budgets
        self._chain = chain
        self._caller = caller_name(caller)
        self._health = health
        self._unheld = unheld
        self._known: dict[str, tuple[list[tuple[str, Budget]], dict[Account, Decimal]]] = {}
        """What counts for the calls of a provider: all of its candidates ask for it."""
        self._spent: Mapping[Account, Spent] = {}
        """As of the last look."""

    def apart(self) -> Purse:
        """The same budgets, for somebody who looks at them at times of their own."""
        return Purse(self._budgets, self._chain, {"name": self._caller}, self._health, self._unheld)

    @property
    def holds(self) -> bool:
        """Whether there are budgets at all."""
        return bool(self._budgets)

    async def look(self, candidates: Collection[Resolution]) -> None:
        """Reads what is spent where they would count: what is said from now on is as it is now."""
        if not self._budgets:
            return
        wanted = {account for candidate in candidates for account in self._of(candidate)[1]}
        self._spent = await self._health.spending(wanted) if wanted else {}

    def over(self, candidate: Resolution, most: Decimal | None) -> Over | None:
        """The budget that a call of at most `most` dollars could pass, as of the last look; None also where no price is known."""
        if not most:
            return None
        known = {account: limit for account, limit in self._of(candidate)[1].items() if account in self._spent}
        return over(most, known, self._spent)

    def refuses_unpriced(self, candidate: Resolution) -> str:
        """The bucket whose budget lets no candidate through of which no price is known; empty: none does."""
        in_force, _ = self._of(candidate)
        return next((bucket for bucket, budget in in_force if budget.unpriced == "refuse"), "")

    async def reserve(
        self, candidate: Resolution, most: Decimal | None, *, run_id: str, attempt: int, lease_seconds: float
    ) -> Reservation | Over | None:
        """The money for a call that costs at most `most` (None: no price is known); None: it costs nothing, or no budget holds
        it.
        """
        limits: Mapping[Account, Decimal | None] = self._of(candidate)[1]
        if not limits or most == 0:
            return None
        if most is None:
            self._unheld(candidate.ref)
            limits = dict.fromkeys(limits)
        claim = Claim(
            run_id=run_id, attempt=attempt, dollars=rounded_up(most or Decimal(0)), limits=limits, lease_seconds=lease_seconds
        )
        return await self._health.reserve(claim)

    def _of(self, candidate: Resolution) -> tuple[list[tuple[str, Budget]], dict[Account, Decimal]]:
        """The budgets that its calls count against, each with its bucket, and what may be spent."""
        provider = candidate.provider
        if (known := self._known.get(provider)) is None:
            names: dict[Per, str] = {"chain": self._chain, "provider": provider, "caller": self._caller, "all": ""}
            # `all` has one budget, which has no name.
            found = list(in_force(self._budgets, names))
            known = self._known[provider] = (found, limits_of(found))
        return known
