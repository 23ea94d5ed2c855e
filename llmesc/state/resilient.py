"""State that never costs the user the answer: while the store is away, circuits live in memory and records wait on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from llmesc.escalation.budget import Account, Claim, Over, Page, Reservation, Spent
from llmesc.escalation.circuits import Admission, Circuit, Refusal, Signal, Transition
from llmesc.escalation.events import Event
from llmesc.escalation.latency import Latency
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.times import Clock
from llmesc.state.last_known import LastKnown
from llmesc.state.memory import MemoryStore
from llmesc.state.spool import Spool
from llmesc.state.store import StateUnavailable, Store

if TYPE_CHECKING:
    from asyncio import Task

T = TypeVar("T")

RETRY_SECONDS = 5.0
"""How long the store is left alone after it failed."""

PATIENCE_SECONDS = 0.3
"""How long a run waits for a store that was away to be opened and take what was spooled; more of that goes on beside the run."""


class ResilientStore:
    """Health and record for runs, over a store that may fail at any time, from its opening on. Only `direct` raises.

    When the store comes back, what was spooled is delivered before anything newer, also what processes that died left behind.
    What circuits learned in memory meanwhile stays there, and holds again should the store fail again.
    """

    def __init__(
        self,
        open_store: Callable[[], Awaitable[Store]],
        *,
        fallback: MemoryStore,
        spool: Spool | None,
        clock: Clock,
        warn: Callable[[str], None],
        last_known: LastKnown | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`spool` None: no file is read or written, and what the store does not take is lost. `last_known`: what the memory
        begins with where the store is away from the first; None: nothing.
        """
        self._open = open_store
        self._memory = fallback
        self._spool = spool
        self._last_known = last_known
        self._clock = clock
        self._warn = warn
        self._patience_seconds = patience_seconds
        self._opening: Task[None] | None = None
        self._warned: set[str] = set()
        self._store: Store | None = None
        self._was_there = False
        self._is_seeded = False
        self._why_away: StateUnavailable | None = None
        self._next_try = float("-inf")
        self._patient_until = float("-inf")
        self._circuits: dict[CircuitKey, Circuit] = {}
        self._denials: tuple[Denial, ...] = ()
        self._seeded_circuits: dict[CircuitKey, Circuit] = {}
        self._seeded_denials: tuple[Denial, ...] = ()
        self._spent: dict[Page, Decimal] = {}
        self.lost_events = 0
        """Events that could not even be spooled."""

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """See `Health`, as for the next eight."""
        found = await self._use(lambda store: store.circuits(keys))
        if self._store is not None:
            self._saw(found, found.keys() if keys is None else keys)
        return found

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call."""
        return await self._use(lambda store: store.admit(key))

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal. What a transition made of the circuit is looked at once more: should the store fail now, that holds.
        What is learned while it is away, the next process of this host begins with.
        """
        transition = await self._use(lambda store: store.signal(key, signal))
        if self._store is None and self._last_known is not None:
            self._last_known.note_circuits(await self._memory.circuits([key]), [key])
        elif transition is not None:
            await self.circuits([key])
        return transition

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force."""
        found = await self._use(lambda store: store.denials())
        if self._store is not None:
            self._denials = found
            if self._last_known is not None:
                self._last_known.note_denials(found)
        return found

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces."""
        await self._use(lambda store: store.deny(denial))

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest successes."""
        return await self._use(lambda store: store.latencies(keys))

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds and looks; while the store is away, to a bucket of this process."""
        return await self._use(lambda store: store.retry_tokens(chain, change, policy))

    async def spending(self, accounts: Collection[Account]) -> Mapping[Account, Spent]:
        """What counts now."""
        found = await self._use(lambda store: store.spending(accounts))
        if self._store is not None:
            now = self._clock.now()
            known = {page: dollars for page, dollars in self._spent.items() if page == page.account.page(now)}
            self._spent = {**known, **{account.page(now): spent.total for account, spent in found.items()}}
        return found

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing. While the store is away other processes are not seen: what was spent when it was last looked at
        counts, and what this one spends.
        """
        answer = await self._use(lambda store: store.reserve(claim))
        if self._store is None:
            self._warn_once("while the state is away, each process holds the budgets for itself alone")
        return answer

    async def append(self, events: Sequence[Event]) -> None:
        """Records events of one run, in the store or in the spool."""
        store = self._store or await self._reached()
        if store is not None:
            try:
                return await store.append(events)
            except StateUnavailable as error:
                await self._lost(store, error)
        self._memory.settle(events)
        if self._spool is None:
            self.lost_events += len(events)
            return None
        try:
            self._spool.write(events)
        except OSError as error:
            self.lost_events += len(events)
            self._warn_once(f"the record of this run is lost: {self._spool.directory}: {error.strerror}")

    async def direct(self) -> Store:
        """The store itself, for operators, who must hear when it is away. Raises `StateUnavailable`, as do its methods."""
        store = await self._reached(patient=True)
        if store is None:
            raise self._why_away or StateUnavailable("the state is not open")
        return store

    def spooled(self) -> str:
        """What waits on disk for the store, for people; empty where nothing does."""
        if self._spool is None:
            return ""
        files = self._spool.waiting()
        return f"{files} {'file' if files == 1 else 'files'} of records in {self._spool.directory}" if files else ""

    async def aclose(self) -> None:
        """Closes the store. What is still spooled waits for the next process."""
        if self._opening is not None:
            opening = self._opening
            await self._finished(opening, self._patience_seconds)
            opening.cancel()
            await self._finished(opening, None)
        if self._store is not None:
            await self._store.aclose()
            self._store = None

    async def _use(self, ask: Callable[[Store], Awaitable[T]]) -> T:
        store = self._store or await self._reached()
        if store is not None:
            try:
                return await ask(store)
            except StateUnavailable as error:
                await self._lost(store, error)
        return await ask(self._memory)

    async def _reached(self, *, patient: bool = False) -> Store | None:
        """The store, opened or tried again if it is time; None while it is away. Who is `patient` waits until that is known, as
        does who comes first of all. Who comes while it is opened for the first time waits, too, but not for long; later only the
        one who tries does.
        """
        if self._store is not None:
            return self._store
        if self._opening is None and self._clock.monotonic() >= self._next_try:
            from asyncio import create_task

            patient = patient or self._why_away is None
            self._patient_until = self._clock.monotonic() + self._patience_seconds
            self._next_try = self._clock.monotonic() + RETRY_SECONDS
            self._opening = create_task(self._try_to_open())
            await self._finished(self._opening, None if patient else self._patience_seconds)
        elif self._opening is not None and (patient or self._why_away is None):
            left_seconds = max(0.0, self._patient_until - self._clock.monotonic())
            await self._finished(self._opening, None if patient else left_seconds)
        return self._store

    async def _finished(self, opening: Task[None], within_seconds: float | None) -> None:
        from asyncio import wait

        await wait({opening}, timeout=within_seconds)
        if opening.done() and not opening.cancelled():
            opening.result()  # a fault of ours is not to be hidden

    async def _try_to_open(self) -> None:
        store = None
        try:
            store = await self._open()
            if self._why_away is not None:
                await store.check()  # a file that can only be read is not back
            await self._replay(store)
            self._store, store = store, None
            self._was_there = True
        except StateUnavailable as error:
            self._stay_away(error)
        finally:
            self._opening = None
            if store is not None:
                await store.aclose()

    async def _replay(self, store: Store) -> None:
        """Delivers every spool file, those that other tasks write meanwhile too: the store is back when none is left."""
        if self._spool is None:
            return
        try:
            while files := self._spool.take():
                for path in files:
                    for events in self._spool.read(path):
                        await store.append(events)
                    self._spool.delete(path)
        except OSError as error:
            self._warn_once(f"spooled records cannot be read: {self._spool.directory}: {error.strerror}")

    async def _lost(self, store: Store, error: StateUnavailable) -> None:
        if self._store is store:  # else another task noticed first
            self._store = None
            self._seed_memory()
            self._stay_away(error)
            await store.aclose()

    def _stay_away(self, error: StateUnavailable) -> None:
        self._why_away = error
        self._next_try = self._clock.monotonic() + RETRY_SECONDS
        self._warn_once(f"going on without the state: {error}{self._remembered()}")

    def _saw(self, found: Mapping[CircuitKey, Circuit], asked: Collection[CircuitKey]) -> None:
        self._circuits.update(found)
        if self._last_known is not None:
            self._last_known.note_circuits(found, asked)

    def _remembered(self) -> str:
        """The memory of a process that the store never answered begins with what others of this host last saw; how old that is,
        for people.
        """
        if self._was_there or self._last_known is None or self._is_seeded:
            return ""
        self._is_seeded = True
        known = self._last_known.read()
        if not known.latest:
            return ""
        self._circuits = {key: circuit for key, (_, circuit) in known.circuits.items()}
        self._denials = known.denials
        self._seed_memory()
        age_seconds = max(0.0, self._clock.now() - known.latest)
        return f"; circuits as they were {_told(age_seconds)} ago"

    def _seed_memory(self) -> None:
        """The memory takes over what the store knew. What it learned itself in an earlier outage it keeps, unless the store has
        moved on since.
        """
        news = {key: circuit for key, circuit in self._circuits.items() if self._seeded_circuits.get(key) != circuit}
        self._memory.seed(news, None if self._denials == self._seeded_denials else self._denials)
        self._memory.seed_spending(self._spent)
        self._seeded_circuits, self._seeded_denials = dict(self._circuits), self._denials

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


def _told(age_seconds: float) -> str:
    """For people: `35 s`, `12 min`, `5 h`."""
    for limit, size, unit in ((120, 1, "s"), (7_200, 60, "min")):
        if age_seconds < limit:
            return f"{age_seconds / size:.0f} {unit}"
    return f"{age_seconds / 3_600:.0f} h"
