"""To wait or to go on: what a run does about candidates that are busy rather than broken. Pure.

Busy is a candidate whose provider said when to come back (a rate limit), or whose probe another process makes at this moment.
What is done depends on whether somebody else could be called at once:

- Nobody could: the run waits for the earliest, if it comes back before the deadline (and `wait` is on).
- Somebody could, and `wait_or_escalate` is `escalate` (the default): that one is called at once.
- `wait`: a busy candidate of a lower tier is waited for before a higher tier is paid.
- `cheaper`: one that is known to cost less is waited for, whatever its tier. A self-hosted one without a price costs nothing more
  than it does anyway; a hosted one without a price is not known to be cheaper. Time has no price here: the deadline bounds it.

Where somebody else could be called, waiting is a bet that must be affordable: behind the wait the time for a first token of
both has to be left (known, or their limits, but no more than half of the time that is left now), and an attempt for both. It is
made once for each candidate: one that is busy again after the wait is not worth another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Literal

from llmesc.escalation.envelope import kept
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp

WaitOrEscalate = Literal["wait", "escalate", "cheaper"]

JITTER = 0.1
"""At most this part of a wait is added to it, and nothing ever taken away: those who were sent away together come back one by
one, and none too early."""

LOOK_SECONDS = 0.5
"""How often a probe that another process makes is looked at: nobody knows when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Somebody who could be called: now, or after a wait."""

    resolution: Resolution
    at: Timestamp | None = None
    """When it may be called; None: now."""
    cost: Decimal | None = None
    """Of the call, as estimated; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A candidate that is worth waiting for."""

    resolution: Resolution
    at: Timestamp
    """When it may be called; of a probe elsewhere: at the latest."""
    needs_seconds: float
    """For a first token."""
    cost: Decimal | None = None
    probe: bool = False
    """Another process probes it."""


def rather_wait(
    policy: WaitOrEscalate,
    busy: Sequence[Busy],
    other: Choice,
    *,
    now: Timestamp,
    left_seconds: float,
    left_attempts: int,
    other_needs_seconds: float,
) -> Busy | None:
    """Whom to wait for although `other` could be called at once: the earliest who is worth it; None to call `other`."""
    if policy == "escalate" or left_attempts < 2:
        return None
    worth = [
        each
        for each in busy
        if not each.probe
        and _preferred(policy, each, other)
        and not in_vain(each.at - now, left_seconds - kept(each.needs_seconds + other_needs_seconds, of_seconds=left_seconds))
    ]
    return min(worth, key=lambda each: each.at, default=None)


def earliest(busy: Collection[Busy], *, now: Timestamp, left_seconds: float) -> Busy | None:
    """Whom to wait for where nobody can be called; None where none will be free in the time that is left.

    When a probe ends nobody knows.
    """
    first = min(busy, key=lambda each: each.at, default=None)
    if first is None or (in_vain(first.at - now, left_seconds) and not any(each.probe for each in busy)):
        return None
    return first


def _preferred(policy: WaitOrEscalate, busy: Busy, other: Choice) -> bool:
    if policy == "wait":
        return busy.resolution.tier < other.resolution.tier
    return busy.cost is not None and other.cost is not None and busy.cost < other.cost


def in_vain(seconds: float, left_seconds: float) -> bool:
    """Whether a wait of so long, with all its jitter, would take all the time that is left."""
    return seconds * (1 + JITTER) >= left_seconds


def with_jitter(seconds: float, random: float) -> float:
    """The wait, longer by a random part; `random` in [0, 1)."""
    return seconds * (1 + JITTER * random)
