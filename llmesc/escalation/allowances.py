"""What each candidate of one run may take, and what it would cost: `envelope` applied to the run's request, limits and
history.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil

from llmesc.escalation.budget import LONGEST_ANSWER_TOKENS, PROMPT_MARGIN, Over, bucket_words
from llmesc.escalation.envelope import (
    Allowance,
    Behind,
    Left,
    least_cost,
    most_cost,
    share,
    too_slow,
)
from llmesc.escalation.hedging import HedgeAfter, silence_allowed
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.liveness import learned, patient
from llmesc.escalation.messages import Request
from llmesc.escalation.ports import Health
from llmesc.escalation.pricing import affordable_tokens, at_most, estimated
from llmesc.escalation.purse import Purse
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.walk import Exclusion

_NOTHING = Decimal(0)

USUAL_ANSWER_TOKENS = 500
"""How long an answer is taken to be where prices are compared and nobody limited it: a page."""


class Allowances:
    """Of one run."""

    def __init__(
        self, request: Request, health: Health, timeouts_for: Callable[[Resolution], Timeouts], purse: Purse | None = None
    ) -> None:
        """`purse`: the budgets that its calls count against; None: there are none."""
        self._health = health
        self._purse = purse if purse is not None and purse.holds else None
        self._timeouts_for = timeouts_for
        self._calls: Mapping[ModelKey, Sequence[Latency]] = {}
        self._learned = False
        self.asked(request)

    def asked(self, request: Request) -> None:
        """The request, as it has grown."""
        self.prompt_tokens = request.estimated_tokens
        self._wanted_tokens = request.max_output_tokens

    async def learn(self, candidates: Collection[Resolution]) -> None:
        """Looks up how fast they have been lately, once a run, and each time what is left of their budgets."""
        if not self._learned:
            self._learned, self._calls = True, await self._health.latencies({candidate.model_key for candidate in candidates})
        if self._purse is not None:
            await self._purse.look(candidates)

    def obstacle(self, candidate: Resolution, left: Left) -> Exclusion | None:
        """Why what is left is not enough to call it."""
        if left.dollars is not None and candidate.offering.price is not None:
            cost = self._least(candidate)
            if cost > left.dollars:
                return ("over_budget", f"would cost at least ${cost:.4f}, ${max(left.dollars, _NOTHING):.4f} is left")
        calls = self._calls.get(candidate.model_key)
        if calls and (seconds := too_slow(left.seconds, calls)) is not None:
            return ("no_time", f"its first token usually takes {seconds:.1f} s, {max(left.seconds, 0.0):.1f} s are left")
        return None

    def over_budget(self, candidate: Resolution, left: Left) -> Over | Exclusion | None:
        """The budget that a call of it could pass, or why none can hold it, as of the last look."""
        if self._purse is None:
            return None
        cost = self.most(candidate, left)
        if cost is None and (bucket := self._purse.refuses_unpriced(candidate)):
            return ("no_price", f"the budget of {bucket_words(bucket)} refuses what has no known price")
        return self._purse.over(candidate, cost)

    def most(self, candidate: Resolution, left: Left) -> Decimal | None:
        """What a call of it can cost at most, its prompt as long as it may be; None where no price is known."""
        price = candidate.offering.price
        if price is None:
            return _NOTHING if candidate.tier.self_hosted or candidate.simulated else None
        tokens = self._longest_answer(candidate)
        if left.dollars is not None and (affordable := affordable_tokens(price, self.prompt_tokens, left.dollars)) is not None:
            tokens = min(tokens, affordable)
        return at_most(price, ceil(self.prompt_tokens * PROMPT_MARGIN), tokens)

    def _longest_answer(self, candidate: Resolution) -> int:
        said = [tokens for tokens in (self._wanted_tokens, candidate.offering.max_output_tokens) if tokens is not None]
        return min(said, default=LONGEST_ANSWER_TOKENS)

    def of(self, candidate: Resolution, left: Left, behind: Sequence[Resolution]) -> Allowance:
        """What it may take; `behind`: those who may still be called after it."""
        others = [Behind(self._timeouts_for(other).first_token_seconds, self._known(other)) for other in behind]
        price, tokens = candidate.offering.price, None
        if left.dollars is not None and price is not None:
            tokens = affordable_tokens(price, self.prompt_tokens, left.dollars)
        if self._purse is not None and candidate.offering.max_output_tokens is None and price is not None:
            longest = self._longest_answer(candidate)
            tokens = longest if tokens is None else min(tokens, longest)
        return Allowance(
            seconds=share(left.seconds, self._known(candidate), others),
            of_seconds=left.seconds,
            dollars=left.dollars,
            output_tokens=tokens,
        )

    def less_hedge(self, left: Left, hedge: Resolution) -> Left:
        """What a call may take of it so that `hedge` can be called beside it."""
        return left if left.dollars is None else replace(left, dollars=left.dollars - self._least(hedge))

    def beside(self, running: Resolution, allowance: Allowance, candidate: Resolution, left: Left) -> Left | None:
        """What `candidate` may take of it beside `running` with its `allowance`; None where the cap does not allow both."""
        if left.dollars is None:
            return left
        most = most_cost(running.offering.price, self.prompt_tokens, self._wanted_tokens, allowance)
        if most + self._least(candidate) > left.dollars:
            return None
        return replace(left, dollars=left.dollars - self._least(running))

    def silence_allowed(self, candidate: Resolution, hedge_after: HedgeAfter) -> float | None:
        """Seconds without content after which it is hedged; None: never."""
        return silence_allowed(hedge_after, self._known(candidate))

    def _least(self, candidate: Resolution) -> Decimal:
        price = candidate.offering.price
        return _NOTHING if price is None else least_cost(price, self.prompt_tokens, self._wanted_tokens)

    def cost(self, candidate: Resolution) -> Decimal | None:
        """What a call would cost, estimated; None where no price is known. One's own machine costs nothing more than it does."""
        price = candidate.offering.price
        if price is None:
            return _NOTHING if candidate.tier.self_hosted else None
        return estimated(price, self.prompt_tokens, self._wanted_tokens or USUAL_ANSWER_TOKENS)

    def timeouts(self, candidate: Resolution, grace: float) -> Timeouts:
        """The limits of liveness it is called with: as set, or as learned where they were not; `grace`: see `patient`."""
        return patient(learned(self._timeouts_for(candidate), self._known(candidate)), grace)

    def needs_seconds(self, candidate: Resolution) -> float:
        """For a first token."""
        return Behind(self._timeouts_for(candidate).first_token_seconds, self._known(candidate)).needs_seconds

    def _known(self, candidate: Resolution) -> Sequence[Latency]:
        return self._calls.get(candidate.model_key, ())
