"""How fast a model at an instance has been lately, and what may be concluded from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

REMEMBERED_CALLS = 50
"""The newest calls that count: enough for a 95th percentile, few enough to follow a model that became faster or slower."""

FEWEST_CALLS = 5
"""Of fewer nothing is concluded."""

LEARNED_FROM_CALLS = 10
"""Of fewer first tokens no limit is learned that a call is held to."""


class Latency(NamedTuple):
    """One call that ended well, or that was hedged away."""

    first_token_seconds: float | None
    """None: it brought no content but tool calls, or was recorded before this was. Of one that was hedged away: how long it was
    waited for. It would have taken longer, and without it slow calls would leave no trace.
    """
    seconds: float | None
    """From the request to the end of the answer; None: it was hedged away."""


def first_token(calls: Iterable[Latency], part: float) -> float | None:
    """Seconds within which `part` (0 to 1) of the calls brought their first token; None where too few are known."""
    return percentile([call.first_token_seconds for call in calls if call.first_token_seconds is not None], part)


def whole_answer(calls: Iterable[Latency], part: float) -> float | None:
    """Seconds within which `part` (0 to 1) of the calls had ended; None where too few are known."""
    return percentile([call.seconds for call in calls if call.seconds is not None], part)


def percentile(values: Sequence[float], part: float) -> float | None:
    """The smallest of `values` that at least `part` of them do not exceed (nearest rank); None of fewer than `FEWEST_CALLS`."""
    if len(values) < FEWEST_CALLS:
        return None
    return nearest_rank(sorted(values), part)


def nearest_rank(ordered: Sequence[float], part: float) -> float:
    """The smallest of `ordered`, which has at least one, that at least `part` (0 to 1) of them do not exceed."""
    rank = -(-len(ordered) * part // 1)  # rounded up
    return ordered[max(int(rank), 1) - 1]
