"""The default store: one SQLite file, safe with many processes of one host.

Circuits are changed in transactions that hold the write lock from their beginning, so that processes agree; asking to call writes
only where a probe is granted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, TypeVar

from llmesc.escalation.budget import Account, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import (
    Admission,
    Admit,
    Circuit,
    CircuitPolicy,
    Refusal,
    Signal,
    Succeeded,
    Transition,
    admission,
    current,
    next_state,
)
from llmesc.escalation.events import Event, RunFinished
from llmesc.escalation.latency import Latency
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state import sqlite_history as history
from llmesc.state import sqlite_outbox as outbox
from llmesc.state import sqlite_retry_budget as retry_budget
from llmesc.state import sqlite_spending as spending
from llmesc.state import sqlite_usage as usage
from llmesc.state.activity import ProviderActivity, Window, activity_of
from llmesc.state.keeping import BY_ITSELF, FOR_EVER, Pruned, Retention, Verified
from llmesc.state.news import looked_for
from llmesc.state.outbox import Decide, SinkState, Stretch
from llmesc.state.process import this_process
from llmesc.state.sqlite_circuits import CircuitTable, DenialTable
from llmesc.state.sqlite_database import SCHEMA_VERSION, Database
from llmesc.state.sqlite_latencies import LatencyTable
from llmesc.state.sqlite_successes import Successes, may_wait
from llmesc.state.store import AttemptRow, DayTotals, RunFilter, RunSummary, StateUnavailable
from llmesc.state.usage import UsageQuery, Used

if TYPE_CHECKING:
    from llmesc.state.past import PastPage, PastQuery, PastReader
    from llmesc.state.sqlite_append import RunWriter

T = TypeVar("T")

_LAST_WAIT_SECONDS = 0.1
"""How long who closes waits for a lock that another process holds, with nothing to write but a few points of a sparkline."""


class SqliteStore:
    """A `Store` in one file; see there for what each method does."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        policy: CircuitPolicy,
        holder: str,
        random: Callable[[], float],
        new_token: Callable[[], str],
        busy_seconds: float = 1.0,
        retention: Retention = FOR_EVER,
    ) -> None:
        """`retention`: what goes by itself, a few runs whenever one ends."""
        self._database = Database(path, busy_seconds=busy_seconds, random=random)
        self._clock = clock
        self._policy = policy
        self._holder = holder
        self._random = random
        self._new_token = new_token
        self._process = this_process()
        self._circuits = CircuitTable()
        self._successes = Successes(policy, self._write_successes)
        self._denials = DenialTable()
        self._latencies = LatencyTable()
        self._writer: RunWriter | None = None
        self._retention = retention
        self._past: PastReader | None = None

    async def open(self) -> None:
        """Opens the file, and makes it where there is none. Raises `StateUnavailable`."""
        await self._database.open()

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """Those ever used."""
        await self._database.glance(self._circuits.refresh)
        now = self._clock.now()
        circuits = dict(self._circuits.some(keys))
        for key in circuits.keys() & self._successes.keys:
            circuits[key] = self._successes.noted_on(key, circuits[key])
        return circuits | {key: current(circuit, now) for key, circuit in circuits.items() if circuit.override is not None}

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call. Looks first: only a probe needs a write."""
        ask = Admit(token=self._new_token(), holder=self._holder)
        await self._database.glance(self._circuits.refresh)
        circuit = self._circuits.get(key)
        if next_state(circuit, ask, self._clock.now(), self._policy)[0] is not circuit:
            circuit, _ = await self._apply(key, ask)
        return admission(circuit, key, ask.token, self._clock.now())

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal. Looks first at what a success would change: mostly nothing that cannot wait."""
        if isinstance(signal, Succeeded):
            await self._database.glance(self._circuits.refresh)
            if self._circuits.knows(key) and may_wait(self._circuits.get(key), signal):
                self._successes.add(key, signal, self._clock.now())
                return None
        return (await self._apply(key, signal))[1]

    async def _apply(self, key: CircuitKey, signal: Signal) -> tuple[Circuit, Transition | None]:
        def work(connection: Connection) -> tuple[Mapping[CircuitKey, Circuit], Circuit, Transition | None]:
            self._circuits.refresh(connection)
            stored = self._circuits.get(key)
            circuit = self._successes.noted_on(key, stored)
            changed, transition = next_state(circuit, signal, self._clock.now(), self._policy, jitter=self._random())
            news = {} if changed is stored else {key: changed}
            self._circuits.put(connection, news)
            return news, changed, transition

        news, circuit, transition = await self._database.write(work)
        self._circuits_written(news)
        return circuit, transition

    def _write_successes(self) -> None:
        """Those that wait. While another process holds the lock they wait on."""
        with suppress(StateUnavailable):
            self._circuits_written(self._database.write_at_once(self._put_successes))

    def _put_successes(self, connection: Connection) -> Mapping[CircuitKey, Circuit]:
        self._circuits.refresh(connection)
        noted = {key: self._successes.noted_on(key, self._circuits.get(key)) for key in self._successes.keys}
        self._circuits.put(connection, noted)
        return noted

    def _circuits_written(self, circuits: Mapping[CircuitKey, Circuit]) -> None:
        self._circuits.committed(circuits)
        self._successes.written(circuits)

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force."""
        return await self._database.read(lambda connection: self._denials.read(connection, self._clock.now()))

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces."""
        await self._database.write(lambda connection: self._denials.put(connection, denial, self._clock.now()))

    async def allow(self, pattern: str) -> tuple[Denial, ...]:
        """Removes."""
        return await self._database.write(lambda connection: self._denials.remove(connection, pattern, self._clock.now()))

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest successes."""
        return await self._database.glance(lambda connection: self._latencies.read(connection, keys))

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds and looks. Looks first: while all goes well the bucket is full, and nothing is written."""
        bucket = await self._database.read(
            lambda connection: retry_budget.after(connection, chain, change, self._clock.now(), policy)
        )
        if change < 0 or (change > 0 and bucket.tokens < policy.tokens):
            bucket = await self._database.write(
                lambda connection: retry_budget.put(connection, chain, change, self._clock.now(), policy)
            )
        return bucket.tokens

    async def spending(self, accounts: Collection[Account] | None = None) -> Mapping[Account, Spent]:
        """What counts now."""
        return await self._database.read(lambda connection: spending.spent(connection, accounts, self._clock.now()))

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing."""
        return await self._database.write(lambda connection: spending.reserve(connection, claim, self._clock.now()))

    async def append(self, events: Sequence[Event]) -> None:
        """Adds events of one run."""
        if not events:
            return
        from llmesc.state.sqlite_append import RunWriter, pieces

        writer = self._writer = self._writer or RunWriter(self._process)
        made = pieces(events)
        appended = await self._database.write(lambda connection: writer.append(connection, events, made, self._clock.now()))
        writer.committed(events, appended)
        self._latencies.committed(appended.added)
        if self._retention != FOR_EVER and isinstance(events[-1], RunFinished):
            with suppress(StateUnavailable):  # the next run tries again
                await self.prune(self._retention, BY_ITSELF, steps=1)

    async def runs(self, where: RunFilter) -> Sequence[RunSummary]:
        """Newest first."""
        return await self._database.read(lambda connection: history.runs(connection, where, self._clock.now()))

    async def totals(self, since: Timestamp) -> DayTotals:
        """Sums since then."""
        return await self._database.read(lambda connection: history.totals(connection, since))

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """By provider instance."""
        return activity_of(await self._database.read(lambda connection: usage.calls(connection, window)), window)

    async def usage(self, query: UsageQuery) -> Sequence[Used]:
        """By candidate and what became of the call."""
        return await self._database.read(lambda connection: usage.usage(connection, query))

    async def past(self, query: PastQuery, rest: str = "") -> PastPage:
        """A page, newest first."""
        from llmesc.state import sqlite_past
        from llmesc.state.past import PastReader

        if self._past is None or not rest:
            self._past = PastReader()  # what the last question remembered is not kept for ever

        reader = self._past
        return await self._database.read(lambda connection: sqlite_past.page(connection, query, rest, reader))

    async def find_runs(self, prefix: str) -> Sequence[str]:
        """Ids that begin so."""
        return await self._database.read(lambda connection: history.find_runs(connection, prefix))

    async def attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """Of one run, in order."""
        return await self._database.read(lambda connection: history.attempts(connection, run_id, self._clock.now()))

    async def events(self, run_id: str, after_seq: int = -1, limit: int | None = None) -> Sequence[Event]:
        """Of one run, in order."""
        return await self._database.read(lambda connection: history.events(connection, run_id, after_seq, limit))

    async def sinks(self) -> Mapping[str, SinkState]:
        """By name."""
        return await self._database.read(outbox.sinks)

    async def change_sink(self, name: str, decide: Decide[T]) -> T:
        """Looks first: mostly nothing is to be written."""
        now = self._clock.now()
        writes, answer = await self._database.read(lambda connection: outbox.would_change(connection, name, decide, now))
        if not writes:
            return answer
        return await self._database.write(lambda connection: outbox.change(connection, name, decide, self._clock.now()))

    async def forget_sink(self, name: str) -> None:
        """And, with the last one, what waits."""
        await self._database.write(lambda connection: outbox.forget(connection, name))

    async def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """In the order of writing."""
        return await self._database.read(lambda connection: outbox.waiting(connection, after, limit))

    async def clear_outbox(self, up_to: int) -> None:
        """Up to a position."""
        await self._database.write(lambda connection: outbox.clear(connection, up_to))

    async def news(self, after: str, seconds: float) -> str:
        """Looks at two counters: of what others committed, and of what this connection wrote."""

        def counters(connection: Connection) -> str:
            (others,) = connection.execute("PRAGMA data_version").fetchone()
            return f"{others}.{connection.total_changes}"

        return await looked_for(lambda: self._database.read(counters), after, seconds)

    async def verify(self, anchor: str | None = None) -> Verified:
        """Walks the chain."""
        from llmesc.state import sqlite_chain

        return await self._database.read(lambda connection: sqlite_chain.verify(connection, anchor))

    async def prunable(self, wanted: Retention) -> Pruned:
        """What would go."""
        from llmesc.state import sqlite_prune

        return await self._database.read(lambda connection: sqlite_prune.prunable(connection, wanted, self._clock.now()))

    async def prune(self, wanted: Retention, who: str, *, steps: int | None = None) -> Pruned:
        """Lets go of them."""
        from llmesc.state import sqlite_prune

        pruned = await sqlite_prune.prune(self._database, wanted, who, self._clock.now, steps)
        if pruned.runs:
            self._latencies.forget()
        return pruned

    async def sizes(self) -> tuple[int, int]:
        """Of the file."""
        from llmesc.state import sqlite_prune

        return await self._database.read(sqlite_prune.sizes)

    async def check(self) -> Mapping[str, str]:
        """What there is to tell, after a write that went as far as it can without leaving a trace."""
        journal = await self._database.read(lambda connection: str(connection.execute("PRAGMA journal_mode").fetchone()[0]))
        await self._database.try_write()
        return {
            "place": str(self._database.path),
            "engine": f"SQLite {sqlite3.sqlite_version}, {journal}",
            "schema": str(SCHEMA_VERSION),
            "size": f"{self._database.path.stat().st_size:,} bytes",
            "write": "ok",
        }

    async def aclose(self) -> None:
        """Closes the file."""
        self._successes.stop()
        if self._successes.keys:
            with suppress(StateUnavailable):
                await self._database.write(self._put_successes, busy_seconds=_LAST_WAIT_SECONDS)
        self._database.close()
