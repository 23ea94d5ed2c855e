"""What the runs of a simulation share: circuits, denials, retry budgets, and how fast models were, all of them in simulated time.
The rules are those of real runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llmesc.escalation.circuits import (
    Admission,
    Admit,
    Circuit,
    CircuitPolicy,
    Refusal,
    Signal,
    Transition,
    admission,
    next_state,
)
from llmesc.escalation.latency import REMEMBERED_CALLS, Latency
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import Bucket, RetryPolicy, changed
from llmesc.escalation.times import Timestamp


class Health:
    """Of one simulation. Nobody knows how it was before the first run: every circuit is closed, every bucket full."""

    def __init__(self, policy: CircuitPolicy, random: Callable[[], float]) -> None:
        """`random`: in [0, 1), for the jitter of cooldowns and waits."""
        self._policy = policy
        self.random = random
        self.circuits: dict[CircuitKey, Circuit] = {}
        self._denied_until: dict[ModelKey, Timestamp] = {}
        self._buckets: dict[str, Bucket] = {}
        self._latencies: dict[ModelKey, tuple[Latency, ...]] = {}
        self._slowest: dict[ModelKey, float] = {}

    def admit(self, key: CircuitKey, token: str, now: Timestamp) -> Admission | Refusal:
        """Asks to call; `token` becomes the lease of a probe."""
        circuit = self.circuits.get(key)
        if circuit is None:
            circuit = self.circuits[key] = Circuit()
        asked, _ = next_state(circuit, Admit(token=token, holder="simulation"), now, self._policy)
        self.circuits[key] = asked
        return admission(asked, key, token, now)

    def signal(self, key: CircuitKey, signal: Signal, now: Timestamp) -> Transition | None:
        """Tells a circuit; the transition where its state changed."""
        after, transition = next_state(self.circuits.get(key) or Circuit(), signal, now, self._policy, jitter=self.random())
        self.circuits[key] = after
        return transition

    def deny(self, key: ModelKey, until: Timestamp) -> None:
        """A failure says that the model cannot be used there."""
        self._denied_until[key] = until

    @property
    def denies(self) -> bool:
        """Whether a failure of this simulation has ever denied anything."""
        return bool(self._denied_until)

    def denied(self, key: ModelKey, now: Timestamp) -> bool:
        """Whether a failure of this simulation denied it."""
        until = self._denied_until.get(key)
        return until is not None and now < until

    def retry_tokens(self, chain: str, change: float, now: Timestamp, policy: RetryPolicy) -> float:
        """Adds to the retry budget of a chain; what is there afterwards."""
        bucket = self._buckets[chain] = changed(self._buckets.get(chain), change, now, policy)
        return bucket.tokens

    def took(self, key: ModelKey, latency: Latency) -> None:
        """A call ended well, or was hedged away."""
        self._latencies[key] = (latency, *self._latencies.get(key, ())[: REMEMBERED_CALLS - 1])
        if latency.first_token_seconds is not None:
            self._slowest[key] = max(self._slowest.get(key, 0.0), latency.first_token_seconds)

    def latencies(self) -> Mapping[ModelKey, Sequence[Latency]]:
        """As they are now, the newest first; a key without any is missing."""
        return dict(self._latencies)

    def slowest_first_token(self, key: ModelKey) -> float:
        """Seconds: no percentile of its first tokens is above it, so that most need not be reckoned."""
        return self._slowest.get(key, 0.0)
