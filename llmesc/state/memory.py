"""The state of one process, gone with it: for `state = "memory:"`, for tests, and while the real store is away."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from llmesc.escalation.budget import Account, Claim, Over, Page, Reservation, Spent
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
from llmesc.escalation.events import AttemptFinished, Event
from llmesc.escalation.latency import REMEMBERED_CALLS, Latency
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import Bucket, RetryPolicy, changed
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state.activity import Call, ProviderActivity, Window, activity_of
from llmesc.state.denials import in_force, names
from llmesc.state.memory_outbox import MemoryOutbox
from llmesc.state.memory_run import MemoryRun
from llmesc.state.news import looked_for
from llmesc.state.outbox import Decide, SinkState, Stretch
from llmesc.state.process import this_process
from llmesc.state.projection import (
    Columns,
    attempt_standing,
    latency_of,
    standing,
)
from llmesc.state.spending import SpendingBook
from llmesc.state.store import FOUND_RUNS, AttemptRow, DayTotals, RunFilter, RunSummary
from llmesc.state.usage import UsageQuery, Used, UsedCall, caller_name, calls_of, used

if TYPE_CHECKING:
    from llmesc.state.past import PastPage, PastQuery, PastRun

T = TypeVar("T")

KEPT_RUNS = 1_000
"""Older runs are forgotten: a process that lives long must not grow for ever."""

_RUN_FIELDS = tuple(each.name for each in fields(RunSummary))
_CALL_COLUMNS = ("ref", "started_at", "outcome", "duration_seconds", "first_token_seconds")
_ATTEMPT_FIELDS = tuple(each.name for each in fields(AttemptRow))


class MemoryStore:
    """A `Store` in plain dictionaries; see there for what each method does."""

    def __init__(
        self,
        *,
        clock: Clock,
        policy: CircuitPolicy,
        holder: str,
        random: Callable[[], float],
        new_token: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._holder = holder
        self._random = random
        self._new_token = new_token
        self._process = this_process()
        self._circuits: dict[CircuitKey, Circuit] = {}
        self._denials: dict[ModelKey, Denial] = {}
        self._latencies: dict[ModelKey, deque[Latency]] = {}
        self._retry_budgets: dict[str, Bucket] = {}
        self._spending = SpendingBook()
        self._runs: dict[str, MemoryRun] = {}
        self._outbox = MemoryOutbox()
        self._writes = 0

    def seed(self, circuits: Mapping[CircuitKey, Circuit], denials: Iterable[Denial] | None) -> None:
        """Takes over what another store knew: these circuits beside those it has, and exactly these denials, unless None."""
        self._circuits.update(circuits)
        if denials is not None:
            self._denials = {denial.key: denial for denial in denials}

    def seed_spending(self, spent: Mapping[Page, Decimal]) -> None:
        """Takes over what another store knew to be spent."""
        self._spending.seed(spent)

    def settle(self, events: Iterable[Event]) -> None:
        """Settles what they end, without recording them."""
        for event in events:
            self._spending.note(event)

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """Those ever used."""
        now = self._clock.now()
        wanted = self._circuits if keys is None else keys
        return {key: current(self._circuits[key], now) for key in wanted if key in self._circuits}

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call."""
        token = self._new_token()
        circuit, _ = self._apply(key, Admit(token=token, holder=self._holder))
        return admission(circuit, key, token, self._clock.now())

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """Applies a signal."""
        return self._apply(key, signal)[1]

    def _apply(self, key: CircuitKey, signal: Signal) -> tuple[Circuit, Transition | None]:
        circuit = self._circuits.get(key) or Circuit()
        changed, transition = next_state(circuit, signal, self._clock.now(), self._policy, jitter=self._random())
        if changed is not circuit:
            self._circuits[key] = changed
            self._writes += 1
        return changed, transition

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force."""
        return in_force(self._denials.values(), self._clock.now())

    async def deny(self, denial: Denial) -> None:
        """Adds or replaces."""
        self._denials[denial.key] = denial
        self._writes += 1

    async def allow(self, pattern: str) -> tuple[Denial, ...]:
        """Removes."""
        removed = [denial for denial in self._denials.values() if names(pattern, denial)]
        for denial in removed:
            del self._denials[denial.key]
            self._writes += 1
        return in_force(removed, self._clock.now())

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest successes, and of what was hedged away."""
        return {key: tuple(self._latencies[key]) for key in keys if key in self._latencies}

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds and looks."""
        bucket = changed(self._retry_budgets.get(chain), change, self._clock.now(), policy)
        self._retry_budgets[chain] = bucket
        return bucket.tokens

    async def spending(self, accounts: Collection[Account] | None = None) -> Mapping[Account, Spent]:
        """What counts now."""
        return self._spending.spent(accounts, self._clock.now())

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing."""
        return self._spending.reserve(claim, self._clock.now())

    async def append(self, events: Sequence[Event]) -> None:
        """Adds events of one run."""
        now, fresh = self._clock.now(), list[Event]()
        for event in events:
            run = self._runs.get(event.run_id)
            if run is None:
                run = self._runs[event.run_id] = MemoryRun(event, self._process)
            run.alive_at = now
            self._writes += 1
            if event.seq not in run.events:
                self._add(run, event)
                fresh.append(event)
        self._outbox.add(fresh, now)
        if len(self._runs) > KEPT_RUNS:
            waited_for = self._outbox.run_ids()
            delivered = (run_id for run_id in self._runs if run_id not in waited_for)
            for run_id in tuple(islice(delivered, len(self._runs) - KEPT_RUNS)):
                del self._runs[run_id]

    def _add(self, run: MemoryRun, event: Event) -> None:
        run.add(event)
        self._spending.note(event)
        if isinstance(event, AttemptFinished) and (taught := latency_of(event)) is not None:
            calls = self._latencies.setdefault(event.resolution.model_key, deque(maxlen=REMEMBERED_CALLS))
            calls.appendleft(taught)

    async def runs(self, where: RunFilter) -> Sequence[RunSummary]:
        """Newest first."""
        found: list[RunSummary] = []
        for run in self._newest_first():
            if len(found) == where.limit:
                break
            summary = self._summary(run)
            if _fits(where, summary, run):
                found.append(summary)
        return found

    async def totals(self, since: Timestamp) -> DayTotals:
        """Sums since then."""
        runs = [run.columns for run in self._runs.values() if run.columns["started_at"] >= since]
        outcomes = [run["outcome"] for run in runs]
        return DayTotals(
            since=since,
            requests=len(runs),
            answered=outcomes.count("answered"),
            failed=sum(outcome not in (None, "answered", "cancelled") for outcome in outcomes),
            input_tokens=sum(run["input_tokens"] or 0 for run in runs),
            output_tokens=sum(run["output_tokens"] or 0 for run in runs),
            cost=sum(((run["cost"] or Decimal(0)) + (run.get("judges_cost") or Decimal(0)) for run in runs), Decimal(0)),
            cost_unknown=sum(run["outcome"] is not None and _is_unknown(run) for run in runs),
        )

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """By provider instance."""
        columns = (attempt for run in self._runs.values() for attempt in run.attempts.values())
        calls = (Call(*(attempt[name] for name in _CALL_COLUMNS)) for attempt in columns if attempt["outcome"] is not None)
        return activity_of((call for call in calls if window.since <= call.started_at < window.until), window)

    async def usage(self, query: UsageQuery) -> Sequence[Used]:
        """By candidate and what became of the call."""
        runs = [run for run in self._runs.values() if query.since <= run.columns["started_at"] < query.until]
        return used((call for run in runs for attempt in run.attempts.values() for call in _used_calls(run, attempt)), query)

    async def past(self, query: PastQuery, rest: str = "") -> PastPage:
        """All of them in one page, for there are not many: so there is never a `rest`."""
        assert not rest, "no page names a next one"
        from llmesc.escalation.codec import encode_event
        from llmesc.state.past import TELLING, PastPage, PastReader

        reader = PastReader()
        found: list[PastRun] = []
        for run in self._newest_first():
            if query.since <= run.columns["started_at"] < query.until and _is_asked_for(query, run):
                events = (run.events[seq] for seq in sorted(run.events))
                past = reader.run(encode_event(event) for event in events if event.type in TELLING)
                found += [] if past is None else [past]
        return PastPage(found, "")

    async def find_runs(self, prefix: str) -> Sequence[str]:
        """Ids that begin so."""
        ids = (run.columns["run_id"] for run in self._newest_first())
        return [run_id for run_id in ids if run_id.startswith(prefix)][:FOUND_RUNS]

    async def attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """Of one run, in order."""
        run = self._runs.get(run_id)
        return [] if run is None else [self._attempt(run, run.attempts[number]) for number in sorted(run.attempts)]

    async def events(self, run_id: str, after_seq: int = -1, limit: int | None = None) -> Sequence[Event]:
        """Of one run, in order."""
        run = self._runs.get(run_id)
        return [] if run is None else [run.events[seq] for seq in sorted(run.events) if seq > after_seq][:limit]

    async def sinks(self) -> Mapping[str, SinkState]:
        """By name."""
        return self._outbox.sinks()

    async def change_sink(self, name: str, decide: Decide[T]) -> T:
        """At once."""
        return self._outbox.change(name, decide, self._clock.now())

    async def forget_sink(self, name: str) -> None:
        """And, with the last one, what waits."""
        self._outbox.forget(name)

    async def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """In the order of writing."""
        return self._outbox.waiting(after, limit)

    async def clear_outbox(self, up_to: int) -> None:
        """Up to a position."""
        self._outbox.clear(up_to)

    async def news(self, after: str, seconds: float) -> str:
        """Looks."""

        async def mark() -> str:
            return str(self._writes)

        return await looked_for(mark, after, seconds)

    async def check(self) -> Mapping[str, str]:
        """What there is to tell."""
        return {"place": "memory of this process", "write": "ok"}

    async def aclose(self) -> None:
        """Nothing to close."""

    def _newest_first(self) -> list[MemoryRun]:
        return sorted(self._runs.values(), key=lambda run: run.columns["started_at"])[::-1]

    def _summary(self, run: MemoryRun) -> RunSummary:
        columns = run.columns
        outcome = standing(columns["outcome"], run.owner, columns["alive_at"], self._clock.now())
        tried = tuple(dict.fromkeys(run.attempts[number]["ref"] for number in sorted(run.attempts)))
        apart = {"outcome": outcome, "primary": columns["primary_ref"], "tried": tried}
        return RunSummary(**{name: columns[name] for name in _RUN_FIELDS if name not in apart} | apart)

    def _attempt(self, run: MemoryRun, columns: Columns) -> AttemptRow:
        run_outcome, alive_at = run.columns["outcome"], run.columns["alive_at"]
        outcome = attempt_standing(columns["outcome"], run_outcome, run.owner, alive_at, self._clock.now())
        own = {"run_id": run.columns["run_id"], "outcome": outcome}
        return AttemptRow(**{name: columns[name] for name in _ATTEMPT_FIELDS if name not in own} | own)


def _is_unknown(run: Columns) -> bool:
    """Whether nobody knows what it cost."""
    return run["cost"] is None or ("judge_calls" in run and run["judges_cost"] is None)


def _used_calls(run: MemoryRun, attempt: Columns) -> Iterator[UsedCall]:
    return calls_of(attempt, run.columns["chain"], caller_name(run.columns["caller"]))


def _is_asked_for(query: PastQuery, run: MemoryRun) -> bool:
    return (
        query.chain in (None, run.columns["chain"])
        and query.caller in (None, caller_name(run.columns["caller"]))
        and (query.provider is None or any(attempt["provider"] == query.provider for attempt in run.attempts.values()))
    )


def _fits(where: RunFilter, summary: RunSummary, run: MemoryRun) -> bool:
    return (
        (where.since is None or summary.started_at >= where.since)
        and (where.until is None or summary.started_at <= where.until)
        and (where.outcome is None or summary.outcome == where.outcome)
        and (not where.statuses or _has_status(where, summary, run))
        and (where.provider is None or any(attempt["provider"] == where.provider for attempt in run.attempts.values()))
        and (where.text is None or where.text.casefold() in summary.prompt.casefold())
        and (where.caller is None or caller_name(summary.caller) == where.caller)
        and (where.conversation is None or summary.caller.get("conversation") == where.conversation)
        and (where.correlation is None or summary.caller.get("correlation") == where.correlation)
    )


def _has_status(where: RunFilter, summary: RunSummary, run: MemoryRun) -> bool:
    from llmesc.state.status_filter import status_filter

    calls = [(attempt["outcome"], attempt["kind"]) for attempt in run.attempts.values()]
    return status_filter(where.statuses).fits(summary.outcome, calls)
