"""The retry budget of a chain, over all processes: a token bucket that failures drain and answers fill. Pure.

The rule is gRPC's retry throttling (proposal A6, "Throttling Retry Attempts and Hedged RPCs"): the bucket begins full, a failed
call takes one token, one that was answered gives back `refund`; at half of the bucket or less, calls beyond those that every run
may make are not made. Failures are those that a circuit counts: what is wrong with a request says nothing of the providers'
health, and an answer below the quality bar is an answer.

Where we differ. A6's example has 10 tokens for one server; our bucket is for all providers of a chain, each with a circuit that
opens after 3 failures, and must not run dry while circuits still learn who is down: 100 (A6 allows up to 1,000). A6 fills by
answers alone, which supposes a client that calls all the time; a person who asks ten times a day would pay on Friday for an
outage on Monday, so that time fills it too. And every run may make two calls, its first and one fallback: a bucket that refused
the fallback would turn one provider's outage into everybody's.
"""

from __future__ import annotations

from typing import NamedTuple

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp

ALWAYS_ALLOWED = 2
"""Calls that a run may make whatever the bucket holds: the first, and one fallback."""

REFILL_SECONDS = 600.0
"""In which time alone fills an empty bucket: twice the window in which circuits count failures."""

FAILED = -1.0
"""What a failed call changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The size of the buckets; `[escalation]` of the configuration."""

    tokens: float = 100.0
    """0: no budget, every call is allowed."""
    refund: float = 0.1
    """Tokens that an answered call gives back. 0.1, as in A6's example: sustained, one extra call for ten answers."""


class Bucket(NamedTuple):
    """What a store keeps. A chain without one has a full bucket."""

    tokens: float
    at: Timestamp
    """When they were counted."""


def changed(bucket: Bucket | None, change: float, now: Timestamp, policy: RetryPolicy) -> Bucket:
    """The bucket at `now`, filled by the time that has passed, after `change` tokens came (or, below 0, went).

    Between empty and full. A clock that was put back costs the filling of that time, no more.
    """
    if bucket is None:
        tokens = policy.tokens
    else:
        tokens = min(policy.tokens, bucket.tokens + max(0.0, now - bucket.at) * policy.tokens / REFILL_SECONDS)
    return Bucket(min(policy.tokens, max(0.0, tokens + change)), now)


def allows(tokens: float, policy: RetryPolicy) -> bool:
    """Whether a bucket with so many tokens allows a call beyond those that every run may make."""
    return policy.tokens == 0 or tokens > policy.tokens / 2
