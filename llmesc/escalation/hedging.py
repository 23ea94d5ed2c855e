"""When a call that is silent is hedged: the next candidate is called beside it, and whoever brings content first has the turn.
Pure; times in seconds.

Content is what liveness takes for a sign of life: text, thinking, a tool call or a fragment of one. Thinking counts: a model
that thinks aloud is at work, and a race against it would only pay twice. An error, an end without content, a count of tokens
never win.

The loser is cancelled at once and blamed for nothing. That it was silent for so long is remembered all the same: a 95th
percentile of the answers that were waited for alone would shrink with every call that was hedged away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llmesc.escalation.latency import LEARNED_FROM_CALLS, Latency, percentile

HedgeAfter = float | Literal["off", "p95"]
"""Seconds of silence; or what 95 of 100 of a model's latest first tokens took, once `LEARNED_FROM_CALLS` (10) are known."""

HEDGE_WORDS = ("off", "p95")
"""What may stand in place of a duration."""

HEDGE = "hedge"
"""Why the turn went to another where nobody failed: it was called beside a silent one, and was first."""


def silence_allowed(hedge_after: HedgeAfter, calls: Sequence[Latency]) -> float | None:
    """Seconds from the start of a call until it is hedged if no content comes; None: never. `calls`: the latest of its model."""
    if hedge_after == "off":
        return None
    if hedge_after != "p95":
        return float(hedge_after)
    known = [call.first_token_seconds for call in calls if call.first_token_seconds is not None]
    return percentile(known, 0.95) if len(known) >= LEARNED_FROM_CALLS else None
