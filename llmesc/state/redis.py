"""The store of several hosts: one Redis (6.2 or newer, or Valkey), behind Sentinel or in a cluster where it is so set up.

Python decides what a circuit becomes (`next_state`, the one place that knows), Redis sets it if nothing else came between, and
otherwise gives what did, to be decided again. The server's clock counts, not those of the hosts: what is stored has its time, and
a host whose own is off is told moments as its own clock has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from llmesc.escalation.budget import Account, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import (
    Admission,
    Admit,
    Circuit,
    CircuitPolicy,
    Refusal,
    Signal,
    Transition,
    admission,
    current,
    next_state,
)
from llmesc.escalation.events import Event
from llmesc.escalation.latency import Latency
from llmesc.escalation.ports import Denial
from llmesc.escalation.redis_url import RedisPlace
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state import redis_history as history
from llmesc.state import redis_usage as usage
from llmesc.state.activity import ProviderActivity, Window, activity_of
from llmesc.state.outbox import Decide, SinkState, Stretch
from llmesc.state.process import this_process
from llmesc.state.redis_check import check
from llmesc.state.redis_circuits import CircuitHash, DenialHash
from llmesc.state.redis_connection import RedisConnection
from llmesc.state.redis_moved import moved_answer, moved_circuit, moved_denial, moved_signal, moved_transition
from llmesc.state.redis_outbox import OutboxStream
from llmesc.state.redis_retry_budget import BudgetHash
from llmesc.state.redis_spending import SpendingPages
from llmesc.state.redis_time import ServerTime
from llmesc.state.store import AttemptRow, DayTotals, RunFilter, RunSummary
from llmesc.state.usage import UsageQuery, Used

if TYPE_CHECKING:
    from llmesc.state.past import PastPage, PastQuery, PastReader

T = TypeVar("T")


class RedisStore:
    """A `Store` in Redis; see there for what each method does."""

    def __init__(
        self,
        place: RedisPlace,
        *,
        clock: Clock,
        policy: CircuitPolicy,
        holder: str,
        random: Callable[[], float],
        new_token: Callable[[], str],
        server_time: bool = True,
    ) -> None:
        """`server_time` False takes `clock` for the server's: for tests that set it by hand."""
        self._time = ServerTime(clock, follow=server_time)
        self._connection = RedisConnection(place, self._time)
        self._policy = policy
        self._holder = holder
        self._random = random
        self._new_token = new_token
        self._process = this_process()
        self._past: PastReader | None = None
        seconds = place.timeout_seconds
        self._circuits = CircuitHash(self._connection, new_token, seconds)
        self._denials = DenialHash(self._connection, seconds)
        self._budgets = BudgetHash(self._connection, new_token, seconds)
        self._spending = SpendingPages(self._connection, self._time, seconds)
        self._outbox = OutboxStream(self._connection, new_token)

    async def open(self) -> None:
        """Connects. Raises `StateUnavailable`."""
        await self._connection.open()

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """Those ever used."""
        found = await self._circuits.read(keys)
        now, ahead = self._time.now(), self._time.ahead_seconds
        return {key: moved_circuit(current(circuit, now), -ahead) for key, circuit in found.items()}

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call. Looks first: only a probe needs a write."""
        ask = Admit(token=self._new_token(), holder=self._holder)
        circuit = (await self._circuits.read([key])).get(key) or Circuit()
        if next_state(circuit, ask, self._time.now(), self._policy)[0] is not circuit:
            circuit, _ = await self._apply(key, ask)
        return moved_answer(admission(circuit, key, ask.token, self._time.now()), -self._time.ahead_seconds)

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal."""
        transition = (await self._apply(key, signal))[1]
        return moved_transition(transition, -self._time.ahead_seconds)

    async def _apply(self, key: CircuitKey, signal: Signal) -> tuple[Circuit, Transition | None]:
        def decide(circuit: Circuit) -> tuple[Circuit, Transition | None]:
            told = moved_signal(signal, self._time.ahead_seconds)
            return next_state(circuit, told, self._time.now(), self._policy, jitter=self._random())

        return await self._circuits.change(key, decide)

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force."""
        return self._told(await self._denials.read(self._time.now))

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces."""
        await self._denials.put(moved_denial(denial, self._time.ahead_seconds))

    async def allow(self, pattern: str) -> tuple[Denial, ...]:
        """Removes."""
        return self._told(await self._denials.remove(pattern, self._time.now))

    def _told(self, denials: Iterable[Denial]) -> tuple[Denial, ...]:
        return tuple(moved_denial(denial, -self._time.ahead_seconds) for denial in denials)

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest successes."""
        return await history.latencies(self._connection, keys)

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds and looks."""
        return await self._budgets.change(chain, change, self._time.now, policy)

    async def spending(self, accounts: Collection[Account] | None = None) -> Mapping[Account, Spent]:
        """What counts now."""
        return await self._spending.spent(accounts)

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing."""
        return await self._spending.reserve(claim)

    async def append(self, events: Sequence[Event]) -> None:
        """Adds events of one run."""
        if events:
            await history.append(self._connection, events, self._process)

    async def runs(self, where: RunFilter) -> Sequence[RunSummary]:
        """Newest first."""
        return await history.runs(self._connection, where, self._time.now)

    async def totals(self, since: Timestamp) -> DayTotals:
        """Sums since then."""
        return await history.totals(self._connection, since)

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """By provider instance."""
        return activity_of(await usage.calls(self._connection, window), window)

    async def usage(self, query: UsageQuery) -> Sequence[Used]:
        """By candidate and what became of the call."""
        return await usage.usage(self._connection, query)

    async def past(self, query: PastQuery, rest: str = "") -> PastPage:
        """A page, newest first."""
        from llmesc.state import redis_past
        from llmesc.state.past import PastReader

        if self._past is None or not rest:
            self._past = PastReader()  # what the last question remembered is not kept for ever

        return await redis_past.page(self._connection, query, rest, self._past)

    async def find_runs(self, prefix: str) -> Sequence[str]:
        """Ids that begin so."""
        return await history.find_runs(self._connection, prefix)

    async def attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """Of one run, in order."""
        return await history.attempts(self._connection, run_id, self._time.now)

    async def events(self, run_id: str, after_seq: int = -1, limit: int | None = None) -> Sequence[Event]:
        """Of one run, in order."""
        return await history.events(self._connection, run_id, after_seq, limit)

    async def sinks(self) -> Mapping[str, SinkState]:
        """By name."""
        return await self._outbox.sinks()

    async def change_sink(self, name: str, decide: Decide[T]) -> T:
        """In one step over all hosts, by the server's time."""
        return await self._outbox.change(name, decide, self._time.now)

    async def forget_sink(self, name: str) -> None:
        """And, with the last one, what waits."""
        await self._outbox.forget(name)

    async def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """In the order of writing."""
        return await self._outbox.waiting(after, limit)

    async def clear_outbox(self, up_to: int) -> None:
        """Up to a position."""
        await self._outbox.clear(up_to)

    async def news(self, after: str, seconds: float) -> str:
        """Waits at the server, which wakes whoever waits when it is written to."""
        return await self._connection.news(after, seconds)

    async def check(self) -> Mapping[str, str]:
        """What there is to tell, after a write that leaves no trace."""
        return await check(self._connection, self._time)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._connection.aclose()
