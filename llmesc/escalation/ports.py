"""What the executor needs of the floors above it, as protocols: health (circuits, denials) and consumers of events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from llmesc.escalation.budget import Account, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import Admission, Circuit, Refusal, Signal, Transition
from llmesc.escalation.events import Event, SkipReason
from llmesc.escalation.latency import Latency
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey, ModelKey, Price, Resolution
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Timestamp


class CredentialsMissing(Exception):
    """A candidate has no usable key; the message says which, and where it is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a request fits a candidate's wire."""

    repairs: tuple[str, ...] = ()
    """What the wire changes so that it fits, in words."""
    obstacle: str = ""
    """Why it cannot be carried at all; empty: it can."""
    reason: SkipReason = "unsupported"
    """What the candidate is skipped as where there is an obstacle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A model on an instance that routing must not use."""

    key: ModelKey
    """Each part may be a glob (`fnmatch`), so that an operator can deny `openai/*`."""
    why: str
    who: str
    """`llmesc` when a failure made it, else the operator."""
    set_at: Timestamp
    until: Timestamp | None
    """None: until allowed again."""


class Health(Protocol):
    """Circuits, denials, latencies, retry budgets and spending, shared by every process on the same state. Never raises for a
    store that is away: it warns and goes on in memory.
    """

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """The circuits that were ever used, among `keys` or all. What is missing is a fresh `Circuit()`."""
        ...

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call. At most one probe of a half-open circuit is admitted at a time, over all processes."""
        ...

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal atomically; the transition where the effective state changed."""
        ...

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force now."""
        ...

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces the denial of its key."""
        ...

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest calls of each that ended well or were hedged away, newest first, at most `REMEMBERED_CALLS`; a key
        without any is missing.
        """
        ...

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds `change` tokens to the retry budget of a chain (below 0 it takes them; 0 only looks), in one step over all
        processes; what is there afterwards.
        """
        ...

    async def spending(self, accounts: Collection[Account]) -> Mapping[Account, Spent]:
        """What is spent on each of them in the present day or month."""
        ...

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """Reserves what a call may cost, on every account that it counts against or on none, in one step over all processes; the
        budget that it could pass, where there is one. It is settled by the recorded end of the attempt.
        """
        ...


PriceOf = Callable[[Resolution], Awaitable[Price | None]]
"""Looks up what a candidate costs whose offering does not say it; None: not known. May take a moment, and raises nothing."""


class Consumer(Protocol):
    """Somebody who gets every event, in order. One that raises is dropped with a warning and never stops the run."""

    async def consume(self, event: Event) -> None:
        """Takes one event. A recording consumer returns only when what must be durable is durable."""
        ...
