"""What a state store is, whatever holds it. The same test-suite runs over every implementation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeVar

from llmesc.escalation.budget import Account, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import Admission, Circuit, Refusal, Signal, Transition
from llmesc.escalation.errors import StateError
from llmesc.escalation.events import Event
from llmesc.escalation.latency import Latency
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import ProviderActivity, Window
from llmesc.state.outbox import Decide, SinkState, Stretch
from llmesc.state.usage import UsageQuery, Used

if TYPE_CHECKING:
    from llmesc.escalation.status import Status
    from llmesc.state.past import PastPage, PastQuery  # most of what uses a store never asks for them

T = TypeVar("T")

FOUND_RUNS = 20
"""The most ids that `find_runs` gives."""


class StateUnavailable(StateError):
    """The store did not answer in time, or cannot: locked, read-only, full, corrupt, of a newer version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of `history list`."""

    run_id: str
    started_at: Timestamp
    finished_at: Timestamp | None
    outcome: str
    """A `RunOutcome`, or `running`, or `interrupted` (its process is gone and never wrote the end)."""
    chain: str
    prompt: str
    """The first 200 characters."""
    primary: str | None
    """The reference of the first candidate of its chain; None where there was none, or the run is of an older llmesc."""
    tried: tuple[str, ...]
    """References of the candidates that were called, in order."""
    answered_by: str | None
    """A reference."""
    attempts: int
    cost: Decimal | None
    input_tokens: int | None
    """Of all its attempts, as `Totals` has them; None while it runs, or where nobody counted."""
    output_tokens: int | None
    caller: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """Sums over the requests since a moment, for the dashboard's header."""

    since: Timestamp
    requests: int
    answered: int
    failed: int
    """Ended, but neither answered nor cancelled."""
    input_tokens: int
    output_tokens: int
    cost: Decimal
    """US dollars, of the requests whose cost is known."""
    cost_unknown: int = 0
    """Requests that ended, and of which nobody knows what they cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt as the store knows it, also when nobody lived to write its end."""

    run_id: str
    attempt: int
    ref: str
    tier: str
    move: str
    started_at: Timestamp
    outcome: str
    """An `AttemptOutcome`, `running`, or `interrupted`."""
    kind: str | None
    """Failure kind, where it failed; `hedged_away` or `lost_hedge` where another attempt was first."""
    duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list; None does not filter."""

    since: Timestamp | None = None
    until: Timestamp | None = None
    """Those that began then or before: where the next page of a long list begins."""
    outcome: str | None = None
    statuses: frozenset[Status] = frozenset()
    """Those that fit one of these words, see `status_filter`; empty: it does not filter."""
    provider: str | None = None
    text: str | None = None
    caller: str | None = None
    """As `caller_name` has it: the name that was given, or `user@host`."""
    conversation: str | None = None
    """The caller's id; so is the next."""
    correlation: str | None = None
    limit: int = 50


class Store(Protocol):
    """Circuits, denials, leases, retry budgets, spending, runs, attempts, events, and what of them waits for sinks.

    Each method is atomic and, when it returns, durable against the death of this process; but for `signal`, see there. All raise
    `StateUnavailable` within `busy_seconds`; none blocks the event loop to wait for a lock.
    """

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """The circuits that were ever used, among `keys` or all, without overrides that have expired. What is missing is a fresh
        `Circuit()`.
        """
        ...

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call. At most one probe of a half-open circuit is admitted at a time, over all processes."""
        ...

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal; the transition where the effective state changed. What a success teaches a closed circuit without
        failures, how long the call took, decides nothing: a store may write it a tenth of a second later.
        """
        ...

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force now."""
        ...

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces the denial of its key."""
        ...

    async def allow(self, pattern: str) -> tuple[Denial, ...]:
        """Removes every denial whose written key equals or matches the glob `pattern`; those removed."""
        ...

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest attempts of each that succeeded or were hedged away, newest first, at most `REMEMBERED_CALLS`; a key
        without any is missing.
        """
        ...

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds `change` tokens to the retry budget of a chain (below 0 it takes them; 0 only looks); what is there afterwards."""
        ...

    async def spending(self, accounts: Collection[Account] | None = None) -> Mapping[Account, Spent]:
        """What is spent on each account in the present day or month; None: on every one on which anything was reserved in it."""
        ...

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """Reserves what a call may cost, on every account or on none; the budget that it could pass, where there is one."""
        ...

    async def append(self, events: Sequence[Event]) -> None:
        """Adds events of one run, in order; runs, attempts and what they settle follow from them in the same transaction. An
        event that is there already (same run and seq) is ignored, so that a replayed spool doubles nothing.
        """
        ...

    async def runs(self, where: RunFilter) -> Sequence[RunSummary]:
        """Newest first."""
        ...

    async def totals(self, since: Timestamp) -> DayTotals:
        """Sums over the requests that began at `since` or later."""
        ...

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """How the calls that began in `window` ended, by provider instance, in the order of their names."""
        ...

    async def usage(self, query: UsageQuery) -> Sequence[Used]:
        """What the calls of the requests of that time used: by candidate, by what became of the call, and by all else that the
        query tells apart; in the order of references.
        """
        ...

    async def past(self, query: PastQuery, rest: str = "") -> PastPage:
        """A page of the runs that fit, with their calls, the newest first; `rest` as the page before said it. A run whose
        beginning is not on record is left out.
        """
        ...

    async def find_runs(self, prefix: str) -> Sequence[str]:
        """Ids that begin with `prefix`, at most `FOUND_RUNS`, newest first."""
        ...

    async def attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """The run's attempts, in order."""
        ...

    async def events(self, run_id: str, after_seq: int = -1, limit: int | None = None) -> Sequence[Event]:
        """The run's events with a larger seq, in order; unknown types are left out. With `limit`, no more are read once
        there are so many (what was written together comes together): a long run is read in pages, none of which takes long.
        """
        ...

    async def sinks(self) -> Mapping[str, SinkState]:
        """How far each sink is that anybody has configured, by name. While there are any, what is appended waits for them."""
        ...

    async def change_sink(self, name: str, decide: Decide[T]) -> T:
        """Sets the state that `decide` makes of the present one, in one step over all processes; what it answers. It may be asked
        several times, and the last time counts.
        """
        ...

    async def forget_sink(self, name: str) -> None:
        """Nothing waits for it any more."""
        ...

    async def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """Where the events lie that wait for the sinks, behind a position, at most so many, in the order of writing."""
        ...

    async def clear_outbox(self, up_to: int) -> None:
        """Forgets what waited up to a position, which every sink has by now. The events themselves stay on record."""
        ...

    async def news(self, after: str, seconds: float) -> str:
        """Waits until anything was written, by any process, after the mark `after`, at most so long; the mark to go on from,
        which is `after` where nothing came. With an empty one, the present mark at once.
        """
        ...

    async def check(self) -> Mapping[str, str]:
        """What `doctor` shows: place, engine version, schema, size, whether a write went through. Raises `StateUnavailable`."""
        ...

    async def aclose(self) -> None:
        """Lets go of what it holds; nothing may be asked of it afterwards."""
        ...
