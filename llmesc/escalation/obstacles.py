"""What stands in the way of calling a candidate: one order of reasons, for the run that calls, for the plan that only says what a
run would do, and for the simulation of runs that are past. Pure.

The order. What an earlier failure of the run rules out; a retry budget that is spent; too little money or time left for the run;
a spending budget that the call could pass; a wire that cannot carry the request; a circuit that is known to refuse. Behind these
there are only a wait that is preferred, the admission by the circuit, the key, and the money itself, which another process may
have taken since it was looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from llmesc.escalation.budget import Over
from llmesc.escalation.circuits import Circuit, Refusal, refusal
from llmesc.escalation.envelope import Left
from llmesc.escalation.events import SkipReason
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request
from llmesc.escalation.ports import Fit
from llmesc.escalation.quick import quick
from llmesc.escalation.resolution import CircuitKey, Resolution
from llmesc.escalation.retry_budget import ALWAYS_ALLOWED, RetryPolicy, allows
from llmesc.escalation.times import Timestamp
from llmesc.escalation.walk import Exclusion

Fits = Callable[[Resolution, Request], Fit]
"""Whether a candidate's wire can carry a request, told before it is called."""


class Means(Protocol):
    """What a run has for its calls: time and money. `Allowances` are."""

    def obstacle(self, candidate: Resolution, left: Left) -> Exclusion | None:
        """Why what is left is not enough to call it."""
        ...

    def over_budget(self, candidate: Resolution, left: Left) -> Over | Exclusion | None:
        """The budget that a call of it could pass, or why none can hold it."""
        ...


_RATE_LIMIT: str = FailureKind.RATE_LIMIT  # looked up once, for each look takes 50 ns, and it is asked of every candidate

SPENT: frozenset[SkipReason] = frozenset({"over_budget", "no_time"})
"""Reasons that say that the run's own limits are spent."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a candidate is passed over."""

    reason: SkipReason
    detail: str = ""
    refused: Refusal | None = None
    """Its circuit's, where that is the reason."""
    begins_anew: Timestamp | None = None
    """When the budget does that is the reason."""

    @property
    def retry_at(self) -> Timestamp | None:
        """When it may be tried again, where that is known."""
        return self.begins_anew if self.refused is None else self.refused.retry_at

    @property
    def limited(self) -> bool:
        """Whether its provider said when to come back: it is busy rather than broken."""
        return self.refused is not None and self.refused.cause is not None and self.refused.cause.kind == _RATE_LIMIT


@dataclass(frozen=True, slots=True)
class Situation:
    """What obstacles depend on, besides the candidate."""

    request: Request
    left: Left
    circuits: Mapping[CircuitKey, Circuit]
    """As of the last look; a missing one is closed."""
    now: Timestamp
    throttled: Exclusion | None = None
    """See `throttled`."""
    tried_anyway: Resolution | None = None
    """Whose open circuit is of no account, because all are open."""


def obstacle(
    candidate: Resolution, at: Situation, limits: Limits, means: Means, fits: Fits, ruled_out: Exclusion | None = None
) -> Obstacle | Fit:
    """The first reason not to call `candidate`, or how the request fits its wire. `ruled_out`: by an earlier failure."""
    exclusion = ruled_out or at.throttled or means.obstacle(candidate, at.left)
    if exclusion is not None:
        return Obstacle(*exclusion)
    over = means.over_budget(candidate, at.left)
    return of_itself(candidate, at, limits, fits) if over is None else unaffordable(over)


def unaffordable(over: Over | Exclusion) -> Obstacle:
    """As a reason not to call a candidate: the budget that it could pass, or why none can hold it."""
    if isinstance(over, Over):
        return Obstacle("over_budget", over.words, begins_anew=over.spent.begins_anew)
    return Obstacle(*over)


def of_itself(candidate: Resolution, at: Situation, limits: Limits, fits: Fits) -> Obstacle | Fit:
    """As `obstacle`, of what has nothing to do with what the run has left: the wire, then the circuit."""
    fit = fits(candidate, at.request)
    if fit.obstacle:
        return Obstacle(fit.reason, fit.obstacle)
    refused = shut(candidate, at, limits)
    return fit if refused is None else quick(Obstacle)(refused.reason, refused=refused)


def shut(candidate: Resolution, at: Situation, limits: Limits) -> Refusal | None:
    """Why its circuit refuses, as of the last look."""
    key = candidate.circuit_key
    circuit = at.circuits.get(key)
    refused = None if circuit is None else refusal(circuit, key, at.now)
    if refused is None or (refused.reason == "circuit_open" and _defies(candidate, at, limits)):
        return None
    return refused


def goes_against(candidate: Resolution, at: Situation, limits: Limits) -> Circuit | None:
    """Its circuit, where that is open and it is called all the same."""
    circuit = at.circuits.get(candidate.circuit_key)
    if circuit is None or not _defies(candidate, at, limits) or refusal(circuit, candidate.circuit_key, at.now) is None:
        return None
    return circuit


def _defies(candidate: Resolution, at: Situation, limits: Limits) -> bool:
    return not limits.skip_open_circuits or candidate is at.tried_anyway


def may_be_throttled(calls_made: int, policy: RetryPolicy) -> bool:
    """Whether the retry budget has a say in the next call of a run that made so many."""
    return calls_made >= ALWAYS_ALLOWED and policy.tokens > 0


def throttled(calls_made: int, tokens: float, chain: str, policy: RetryPolicy) -> Exclusion | None:
    """Why no further call of a run may be made that has made so many, where the retry budget has `tokens` left."""
    if not may_be_throttled(calls_made, policy) or allows(tokens, policy):
        return None
    half = f"{tokens:.0f} of {policy.tokens:.0f} tokens are left, half or less"
    return ("retry_budget", f"too many calls of chain {chain} have failed lately: {half}")


def best_of(shut_out: Sequence[tuple[Resolution, Refusal]]) -> Resolution | None:
    """Whom to try where every circuit is open: as the chain has them, but last those that time alone does not heal and those
    whose provider said when to come back.
    """
    hopeless = (FailureKind.RATE_LIMIT, FailureKind.ACCOUNT, FailureKind.AUTH)
    kinds = [refused.cause.kind if refused.cause else "" for _, refused in shut_out]
    if not kinds:
        return None
    return shut_out[min(range(len(kinds)), key=lambda at: hopeless.index(kinds[at]) + 1 if kinds[at] in hopeless else 0)][0]
