"""The time and the money that a played run has for its calls: `Allowances`, without a request and a store to ask.

Most calls end long before any limit: what only matters close to one is reckoned only there, with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from llmesc.engine.simulation.health import Health
from llmesc.escalation.allowances import USUAL_ANSWER_TOKENS
from llmesc.escalation.budget import Over
from llmesc.escalation.envelope import Behind, Left, least_cost, share, too_slow
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.pricing import estimated
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.walk import Exclusion
from llmesc.state.past import PastRun

_USUAL = Timeouts()


class PlayedMeans:
    """Of one run."""

    def __init__(self, run: PastRun, timeouts: Mapping[ModelKey, Timeouts], health: Health) -> None:
        self.prompt_tokens = run.prompt_tokens or 0
        self._wanted_tokens = run.max_output_tokens
        self._timeouts = timeouts
        self._health = health
        self._calls = health.latencies()
        """As they are when it begins: a run looks them up once."""

    def obstacle(self, candidate: Resolution, left: Left) -> Exclusion | None:
        """Why what is left is not enough to call it."""
        price = candidate.offering.price
        if left.dollars is not None and price is not None:
            cost = least_cost(price, self.prompt_tokens, self._wanted_tokens)
            if cost > left.dollars:
                return ("over_budget", "")
        key = candidate.model_key
        if self._health.slowest_first_token(key) <= left.seconds or too_slow(left.seconds, self._known(candidate)) is None:
            return None
        return ("no_time", "")

    def over_budget(self, _candidate: Resolution, _left: Left) -> Over | Exclusion | None:
        """What budgets refused is a fact of the record."""
        return None

    def share(self, candidate: Resolution, left: Left, behind: Sequence[Resolution]) -> float:
        """The seconds it may take."""
        others = [Behind(self._timeouts_of(other).first_token_seconds, self._known(other)) for other in behind]
        return share(left.seconds, self._known(candidate), others)

    def needs_seconds(self, candidate: Resolution) -> float:
        """For a first token."""
        limit = self._timeouts_of(candidate).first_token_seconds
        return Behind(limit, self._known(candidate)).needs_seconds

    def cost(self, candidate: Resolution) -> Decimal | None:
        """What a call would cost, estimated; None where no price is known."""
        price = candidate.offering.price
        if price is None:
            return Decimal(0) if candidate.tier.self_hosted else None
        return estimated(price, self.prompt_tokens, self._wanted_tokens or USUAL_ANSWER_TOKENS)

    def _known(self, candidate: Resolution) -> Sequence[Latency]:
        return self._calls.get(candidate.model_key, ())

    def _timeouts_of(self, candidate: Resolution) -> Timeouts:
        return self._timeouts.get(candidate.model_key, _USUAL)
