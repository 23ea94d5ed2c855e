"""Whether a call would have been broken off before it ended as it did: by the limits that hold now. Pure; times in seconds.

A call that its own run broke off, or a limit that is longer now, shows what came until then and no more. It is taken to bring
nothing in a longer time, either: that is not known, and the policy is not given credit for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llmesc.engine.simulation.outcomes import spent_its_share
from llmesc.escalation.envelope import KEPT_FOR_OTHERS, Allowance, Left, share_spent
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.liveness import Breach, patient
from llmesc.state.past import PastCall

_OWN_LIMITS: dict[str, Breach] = {"liveness.first_token": "first_token", "liveness.total": "total"}
"""Rules of failures that follow from a limit that is looked at here."""


class Cut(NamedTuple):
    """When, and what it means."""

    seconds: float
    """After its start."""
    failure: Failure | None
    """None: the time of the run is spent, and nobody is to blame."""
    answered: bool = False
    """Whether the answer was complete by then, and only its judging was not."""


def cut(
    call: PastCall, left: Left, timeouts: Timeouts | None, share: Callable[[], float], grace: Callable[[], float]
) -> Cut | None:
    """None where it ends by itself. `timeouts`: of its candidate, where they are not those of the record; `share`: the seconds
    it may take of those that are left; `grace`: how much more patience it gets, see `patient`. Both are asked only where they
    matter.
    """
    own = None if timeouts is None else _by_own_limits(call, patient(timeouts, grace()))
    lasts = _lasts(call) if own is None else own.seconds
    held = lasts if own is not None else _held(call, lasts)
    if held <= left.seconds * (1 - KEPT_FOR_OTHERS):  # no share is smaller
        return own
    allowed = share()
    if lasts > allowed:
        if allowed >= left.seconds:
            return Cut(max(0.0, left.seconds), None)
        return Cut(allowed, share_spent(Allowance(seconds=allowed, of_seconds=left.seconds)))
    return own if held <= left.seconds else Cut(max(0.0, left.seconds), None, answered=call.complete)


def _lasts(call: PastCall) -> float:
    """Seconds until its provider has done, where nobody breaks it off."""
    if call.hedged_away:
        return call.held_seconds
    if spent_its_share(call) or (call.outcome == "cancelled" and not call.complete):
        return float("inf")
    return call.seconds


def _held(call: PastCall, lasts: float) -> float:
    """Seconds until its run goes on: the answer is judged, too."""
    if call.outcome == "cancelled" and not call.hedged_away:
        return float("inf")
    return lasts + max(0.0, call.held_seconds - call.seconds)


def _by_own_limits(call: PastCall, limits: Timeouts) -> Cut | None:
    """By the limits of its candidate, as far as a record can tell: of the first token, and of all of it."""
    was_cut = _OWN_LIMITS.get(call.failure.rule) if call.failure is not None else None
    first = call.first_token_seconds
    if was_cut is None:
        silent_for = first if first is not None else call.seconds
        lasts = call.seconds
    else:
        silent_for = first if first is not None else float("inf")
        lasts = float("inf")
    if silent_for > limits.first_token_seconds:
        return _breach("first_token", limits.first_token_seconds)
    if lasts > limits.total_seconds:
        return _breach("total", limits.total_seconds)
    return None


def _breach(which: Breach, seconds: float) -> Cut:
    failure = Failure(kind=FailureKind.TIMEOUT, rule=f"liveness.{which}", message=f"not within {seconds:g} s", matched=which)
    return Cut(seconds, failure)
