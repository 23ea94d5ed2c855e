"""Compares what a state says after all the kills with the fault server's own book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from llmesc.escalation.events import AttemptFinished, AttemptStarted, Event, RunFinished
from llmesc.escalation.times import Timestamp
from llmesc.state.keeping import Keeper
from llmesc.state.store import AttemptRow, RunFilter, Store
from llmesc.state.usage import UsageQuery, models_of
from tests.endurance.ledger import INPUT_TOKENS, Delivery

INPUT_PRICE, OUTPUT_PRICE = Decimal(1), Decimal(5)
"""US dollars for a million tokens, of every provider."""

_ALL = Timestamp(0)
_FOR_EVER = Timestamp(4e9)


@dataclass(slots=True)
class Audit:
    """What was found. Without `problems`, nothing is missing, nothing is there twice, and all sums agree."""

    requests: int = 0
    """That reached the server."""
    runs: int = 0
    attempts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of attempts."""
    never_arrived: int = 0
    """On record, but killed before their request reached the server."""
    metered: int = 0
    """Attempts whose tokens and cost are those that the server counted."""
    missing: list[str] = field(default_factory=list)
    """Reached the server, and are on no record."""
    doubled: list[str] = field(default_factory=list)
    """Begun, ended or sent twice."""
    cut_at: Counter[str] = field(default_factory=Counter)
    """The last event on record of each run that a kill ended."""
    links: int | None = None
    """Of the chain over the record; None where the state has none."""
    problems: list[str] = field(default_factory=list)


async def audited(store: Store, deliveries: Sequence[Delivery]) -> Audit:
    """Reads everything there is."""
    audit = Audit(requests=len(deliveries))
    server = {delivery.attempt_id: delivery for delivery in deliveries}
    sent_twice = Counter(delivery.attempt_id for delivery in deliveries)
    audit.doubled += [f"{one} sent {times} times" for one, times in sent_twice.items() if times > 1]
    rows: dict[str, AttemptRow] = {}
    ends: dict[str, AttemptFinished] = {}
    for run in await store.runs(RunFilter(limit=10_000_000)):
        audit.runs += 1
        events = await store.events(run.run_id)
        _check_run(run.run_id, run.outcome, events, audit)
        for row in await store.attempts(run.run_id):
            rows[f"{run.run_id}.{row.attempt}"] = row
        for event in events:
            if isinstance(event, AttemptFinished):
                ends[f"{run.run_id}.{event.attempt}"] = event
    audit.attempts = len(rows)
    audit.outcomes = Counter(row.outcome for row in rows.values())
    audit.missing = sorted(set(server) - set(rows))
    audit.never_arrived = len(set(rows) - set(server))
    for attempt_id, row in rows.items():
        _check_attempt(attempt_id, row, ends.get(attempt_id), server.get(attempt_id), audit)
    await _check_sums(store, rows, ends, audit)
    if isinstance(store, Keeper):
        verified = await store.verify()
        audit.links = verified.links
        audit.problems += [f"{problem.run_id}: {problem.flaw}: {problem.detail}" for problem in verified.problems]
    audit.problems += [f"missing: {one}" for one in audit.missing] + [f"twice: {one}" for one in audit.doubled]
    return audit


def _check_run(run_id: str, outcome: str, events: Sequence[Event], audit: Audit) -> None:
    seqs = [event.seq for event in events]
    if seqs != list(range(len(seqs))):
        audit.problems.append(f"{run_id}: events {seqs} have a gap or come twice")
    started = Counter(event.attempt for event in events if isinstance(event, AttemptStarted))
    ended = Counter(event.attempt for event in events if isinstance(event, AttemptFinished))
    for what, counted in (("begun", started), ("ended", ended)):
        audit.doubled += [f"{run_id}.{attempt} {what} {times} times" for attempt, times in counted.items() if times > 1]
    if set(ended) - set(started):
        audit.problems.append(f"{run_id}: attempts ended that never began")
    last = events[-1] if events else None
    if isinstance(last, RunFinished):
        used = [event.usage.output_tokens or 0 for event in events if isinstance(event, AttemptFinished)]
        if (last.totals.usage.output_tokens or 0) != sum(used):
            audit.problems.append(f"{run_id}: its total is {last.totals.usage.output_tokens} tokens, its attempts' {sum(used)}")
        return
    if outcome != "interrupted":
        audit.problems.append(f"{run_id}: has no end and reads as {outcome}")
    audit.cut_at[last.type if last else "nothing"] += 1


def _check_attempt(
    attempt_id: str, row: AttemptRow, end: AttemptFinished | None, delivery: Delivery | None, audit: Audit
) -> None:
    if end is None:
        if row.outcome != "interrupted":
            audit.problems.append(f"{attempt_id}: has no end and reads as {row.outcome}")
        return
    if row.outcome != end.outcome.value:
        audit.problems.append(f"{attempt_id}: ended as {end.outcome.value} and reads as {row.outcome}")
    if end.usage.output_tokens is None or end.usage.estimated:
        if row.outcome == "success":
            audit.problems.append(f"{attempt_id}: succeeded, and nobody counted")
        return
    tokens = (0, 0) if delivery is None or delivery.output_tokens is None else (INPUT_TOKENS, delivery.output_tokens)
    if row.outcome == "cancelled" and not end.usage.output_tokens:
        return  # what the server wrote to one that another attempt had overtaken, nobody read
    recorded = (end.usage.input_tokens, end.usage.output_tokens)
    cost = (tokens[0] * INPUT_PRICE + tokens[1] * OUTPUT_PRICE) / 1_000_000
    if (*recorded, end.cost) == (*tokens, cost):
        audit.metered += 1
    else:
        audit.problems.append(f"{attempt_id}: {row.outcome}: {recorded}, ${end.cost} on record; the server: {tokens}, ${cost}")


async def _check_sums(store: Store, rows: dict[str, AttemptRow], ends: dict[str, AttemptFinished], audit: Audit) -> None:
    """Every attempt counts once, in what candidates used and in what the requests did."""
    used = models_of(await store.usage(UsageQuery(since=_ALL, until=_FOR_EVER)))
    found = (
        sum(one.calls for one in used),
        sum(one.input_tokens for one in used),
        sum(one.output_tokens for one in used),
        sum((one.cost for one in used), Decimal(0)),
    )
    expected = (
        len(rows),
        sum(end.usage.input_tokens or 0 for end in ends.values()),
        sum(end.usage.output_tokens or 0 for end in ends.values()),
        sum((end.cost or Decimal(0) for end in ends.values()), Decimal(0)),
    )
    if found != expected:
        audit.problems.append(f"candidates used {found}, their attempts {expected} (calls, in, out, US dollars)")
    totals, runs = await store.totals(_ALL), await store.runs(RunFilter(limit=10_000_000))
    summed = (
        len(runs),
        sum(run.outcome == "answered" for run in runs),
        sum(run.input_tokens or 0 for run in runs),
        sum(run.output_tokens or 0 for run in runs),
        sum((run.cost or Decimal(0) for run in runs), Decimal(0)),
    )
    told = (totals.requests, totals.answered, totals.input_tokens, totals.output_tokens, totals.cost)
    if told != summed:
        audit.problems.append(f"totals say {told}, the runs {summed} (requests, answered, in, out, US dollars)")
