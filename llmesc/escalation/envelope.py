"""The envelope of a run: how the time and the money that are left are shared out. Pure; all times in seconds, money in US
dollars.

Time. The deadline covers the run from its first event to its last: calls, tools, waits and checks of answers. Two things are left
out, because they are no work on the answer: opening a wire (weights fetched at first use, a command that prints a key), and
asking a person for permission. An attempt may take what is left, but for what is kept for those behind it that may still be
called: enough for a first token each, for all of them together at most half. The last one gets everything. A candidate known to
take longer than that share gets the time it is known to take: 95 of 100 of its latest answers had ended by then.

One whose first token usually (more often than not) takes longer than all that is left is passed over: it cannot even begin.

Money. An attempt may cost what is left of the cap. Its prompt and a few tokens of an answer are estimated beforehand, and a
candidate that would cost more is passed over; how long the answer may become is limited so that the cap holds. A model without a
price is taken to cost nothing, because nothing is known.

Of two that run side by side one costs an answer and the other, cancelled before any content of it is there, at most the least
that a call costs. An attempt that may be hedged leaves so much for its hedge; the hedge may take what its rival does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.latency import Latency, first_token, whole_answer
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Request
from llmesc.escalation.pricing import estimated
from llmesc.escalation.resolution import Price

KEPT_FOR_OTHERS = 0.5
"""The most of what is left that is kept for the first tokens of candidates that are called later."""

SHORTEST_ANSWER_TOKENS = 64
"""An answer that money cannot buy in this length is not asked for: it would be cut in its first sentences."""

SHARE_SPENT = "envelope.share"
"""The rule of the failure that an attempt makes which used up its share while others are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of a run's limits."""

    seconds: float
    dollars: Decimal | None
    """None: no cap."""
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one attempt may take."""

    seconds: float
    of_seconds: float
    """All that was left for the run; the same where nobody is left behind it."""
    dollars: Decimal | None = None
    """None: no cap."""
    output_tokens: int | None = None
    """The longest answer that the money pays for; None: no cap, or no price."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A candidate that may still be called after the one that is called now."""

    first_token_limit_seconds: float
    calls: Sequence[Latency] = ()
    """Its latest answers."""

    @property
    def needs_seconds(self) -> float:
        """For a first token: what it is known to need, and its limit where nothing is known."""
        known = first_token(self.calls, 0.95)
        return self.first_token_limit_seconds if known is None else min(known, self.first_token_limit_seconds)


CLEARLY = 0.9
"""What is short by less than a tenth is not too short: a model that is always equally fast needs all that was kept for it."""


def share(left_seconds: float, calls: Sequence[Latency], behind: Sequence[Behind]) -> float:
    """The seconds that an attempt may take, at most `left_seconds`. `calls`: the candidate's latest answers."""
    for_others = kept(sum(other.needs_seconds for other in behind), of_seconds=left_seconds)
    known = whole_answer(calls, 0.95) if behind else None
    return min(left_seconds, max(left_seconds - for_others, known or 0.0))


def kept(needed_seconds: float, *, of_seconds: float) -> float:
    """What is kept of the time that is left for first tokens that need so long: at most half, for a limit is seldom a need."""
    return min(needed_seconds, of_seconds * KEPT_FOR_OTHERS)


def too_slow(left_seconds: float, calls: Sequence[Latency]) -> float | None:
    """The seconds its first token usually takes, where that is clearly more than what is left: of the time that was kept for it a
    little has gone by its turn.
    """
    usual = first_token(calls, 0.5)
    return usual if usual is not None and usual * CLEARLY > left_seconds else None


def least_cost(price: Price, prompt_tokens: int, wanted_tokens: int | None) -> Decimal:
    """What a call costs at least: its prompt, and a short answer (`wanted_tokens`, where even less is wanted)."""
    answer = SHORTEST_ANSWER_TOKENS if wanted_tokens is None else min(wanted_tokens, SHORTEST_ANSWER_TOKENS)
    return estimated(price, prompt_tokens, answer)


def most_cost(price: Price | None, prompt_tokens: int, wanted_tokens: int | None, allowance: Allowance) -> Decimal:
    """What a call costs at most that keeps to its allowance under a cap."""
    if price is None:
        return Decimal(0)
    limits = [tokens for tokens in (wanted_tokens, allowance.output_tokens) if tokens is not None]
    return estimated(price, prompt_tokens, min(limits, default=0))


def affordable(request: Request, allowance: Allowance) -> Request:
    """The request, its answer no longer than the money pays for."""
    tokens, wanted = allowance.output_tokens, request.max_output_tokens
    return request if tokens is None or (wanted is not None and wanted <= tokens) else replace(request, max_output_tokens=tokens)


def share_spent(allowance: Allowance) -> Failure:
    """What ends an attempt that used up its share while others are left. The run's own making: its circuit learns nothing, for
    none of the attempt's own limits was breached. For this request its endpoint is passed over, as after any timeout.
    """
    return Failure(
        kind=FailureKind.TIMEOUT,
        rule=SHARE_SPENT,
        message=f"not finished within {allowance.seconds:.3g} s, its share of the {allowance.of_seconds:.3g} s left for the run",
        matched="share",
    )
