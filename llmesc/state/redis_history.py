"""Runs, attempts and events in Redis.

A run is a hash, its attempts another, its events a stream; sorted sets by start find them, newest first. What an event means is
decided here, as writes; `append.lua` does them, unless some of the events are there already.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmesc.escalation.codec import decode_event
from llmesc.escalation.codec_text import events_text
from llmesc.escalation.events import AttemptFinished, AttemptStarted, Event, RunFinished
from llmesc.escalation.latency import REMEMBERED_CALLS, Latency
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.times import Timestamp
from llmesc.state.process import Process
from llmesc.state.projection import (
    Columns,
    attempt_changes,
    attempt_standing,
    latency_of,
    new_attempt,
    new_run,
    run_changes,
    standing,
    storable,
    stretches,
)
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_spending import writes as spending_writes
from llmesc.state.store import FOUND_RUNS, AttemptRow, DayTotals, RunFilter, RunSummary, StateUnavailable
from llmesc.state.usage import caller_name

if TYPE_CHECKING:
    from llmesc.escalation.status import Status

_PAGE_RUNS = 250
"""Looked at in one script: some 2 ms of the server's time, in which it serves nobody else."""
_TRIES = 100
_PAGE_ENTRIES = 100
"""Of a run's stream; each holds what was written together."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode

Arguments = list[str | bytes | int]

# -- writing --------------------------------------------------------------------------------------------------------------


async def append(connection: RedisConnection, events: Sequence[Event], writer: Process) -> None:
    """Adds the events of one run that are not there yet, and brings the run and its attempts up to them. One round trip; a second
    where some are there.
    """
    place, first = connection.place, events[0]
    run_id = storable(first.run_id)
    head: Arguments = [run_id, repr(place.keep_seconds), place.keep_runs, microseconds(first.at)]
    head += _counted(_flat(new_run(first, writer)))
    for _ in range(_TRIES):
        answer, *there = await connection.run("append", (f"run:{run_id}",), head + _added(events, writer), place.timeout_seconds)
        if answer == b"ok":
            return
        events = [event for event in events if event.seq not in there]
    raise StateUnavailable(f"{place} {run_id}: somebody else writes the same events")


def _added(events: Sequence[Event], writer: Process) -> Arguments:
    """Events as `append.lua` takes them."""
    parts = [part for stretch in stretches(events) for part in (stretch[0].seq, stretch[-1].seq, _packed(stretch))]
    arguments: Arguments = _counted(parts)
    for event in events:
        for what, key, *values in _writes(event, writer):
            arguments += [what, key, *_counted(values)]
    return arguments


def _packed(stretch: Sequence[Event]) -> bytes:
    """A JSON array, compressed: events of a run are much alike, and a server's memory is what they cost."""
    return zlib.compress(events_text(stretch).encode(), level=1)


def _writes(event: Event, writer: Process) -> Iterator[Sequence[Any]]:
    """What `event` means: name of the write (see `append.lua`), key, arguments."""
    run_id = storable(event.run_id)
    if columns := run_changes(event, writer):
        yield "set", f"run:{run_id}", *_flat(columns)
    if change := attempt_changes(event):
        attempt, changes = change
        columns = {name: value for name, value in new_attempt(event, attempt).items() if name not in changes}
        yield "set", f"attempts:{run_id}", *_flat(changes, f"{attempt}.")
        yield "default", f"attempts:{run_id}", *_flat(columns, f"{attempt}.")
        if "ref" in changes:
            yield "add", f"run:{run_id}", "tried", _to_json(f"{attempt} {storable(changes['ref'])}")
            yield "index_run", f"by_provider:{storable(changes['provider'])}"
    yield from spending_writes(event)
    match event:
        case AttemptStarted():
            yield "index", "by_start", microseconds(event.at), f"{run_id}:{event.attempt}"
        case AttemptFinished():
            if (taught := latency_of(event)) is not None:
                yield "push", f"latencies:{storable(str(event.resolution.model_key))}", _to_json(taught), REMEMBERED_CALLS
        case RunFinished():
            counts = _counts(event)
            yield "set", f"run:{run_id}", *_pairs(counts)
            yield "unindex_run", "unfinished"
            yield "count", "totals:", *_pairs(counts)
        case _:
            pass


def _counts(event: RunFinished) -> Mapping[str, int]:
    """What a run adds to the totals."""
    totals, outcome = event.totals, event.outcome.value
    known = [cost for cost in (totals.cost, totals.judge.cost if totals.judge else None) if cost is not None]
    return {
        "answered": int(outcome == "answered"),
        "failed": int(outcome not in ("answered", "cancelled")),
        "input_tokens": totals.usage.input_tokens or 0,
        "output_tokens": totals.usage.output_tokens or 0,
        "nano_dollars": round(sum(known, Decimal(0)) * 1_000_000_000),
        "cost_unknown": int(totals.billed_cost is None),
    }


def _counted(values: Sequence[Any]) -> list[Any]:
    return [len(values), *values]


def _pairs(values: Mapping[str, Any]) -> list[Any]:
    return [part for pair in values.items() for part in pair]


def _flat(columns: Columns, prefix: str = "") -> list[str]:
    """Names and values as they stand in a hash: JSON each, so that None, numbers and texts come back as they were."""
    return [part for name, value in columns.items() for part in (prefix + name, _to_json(_plain(value)))]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def microseconds(at: Timestamp) -> int:
    """As scores of sorted sets have it."""
    return int(at * 1_000_000)


# -- reading ----------------------------------------------------------------------------------------------------------------

_RUN_COLUMNS = (
    "run_id",
    "started_at",
    "finished_at",
    "outcome",
    "chain",
    "prompt",
    "primary_ref",
    "tried",
    "answered_by",
    "attempts",
    "cost",
    "input_tokens",
    "output_tokens",
    "caller",
    "host",
    "pid",
    "process_started",
    "alive_at",
)


async def runs(connection: RedisConnection, where: RunFilter, now: Callable[[], Timestamp]) -> list[RunSummary]:
    """Newest first."""
    found: list[RunSummary] = []
    index = "runs" if where.outcome not in ("running", "interrupted") else "unfinished"
    if where.provider is not None:
        index = f"by_provider:{storable(where.provider)}"
    plain = where == RunFilter(limit=where.limit, since=where.since)  # the indexes tell all of it
    lowest = "-inf" if where.since is None else microseconds(where.since)
    # A run's score may be some microseconds more than its start: no two are alike.
    highest: str | bytes = "+inf" if where.until is None else str(microseconds(where.until) + 1_000_000)
    while len(found) < where.limit:
        page = min(_PAGE_RUNS, where.limit - len(found)) if plain else _PAGE_RUNS
        rows = (await connection.run("list", (index,), (lowest, highest, page, *_RUN_COLUMNS), PATIENT_SECONDS))[1:]
        moment = now()
        summaries = (_summary(_columns(columns), moment) for columns in rows[1::2] if columns)
        fitting = [summary for summary in summaries if _fits(where, summary)]
        found += await _of_status(connection, where.statuses, fitting) if where.statuses else fitting
        if len(rows) < 2 * page:
            break
        highest = b"(" + rows[-2]
    return found[: where.limit]


async def _of_status(connection: RedisConnection, words: Collection[Status], summaries: Sequence[RunSummary]) -> list[RunSummary]:
    """Those that fit one of the words; their attempts are read only where a word is of calls."""
    from llmesc.state.status_filter import status_filter

    wanted = status_filter(words)
    calls: Sequence[Sequence[tuple[str | None, str | None]]] = [()] * len(summaries)
    if summaries and (wanted.call_outcomes or wanted.failure_kinds):
        keys = tuple(f"attempts:{summary.run_id}" for summary in summaries)
        hashes = (await connection.run("look", keys, (), PATIENT_SECONDS))[1:]
        calls = [[(columns["outcome"], columns["kind"]) for columns in read_hash(flat).values()] for flat in hashes]
    return [summary for summary, made in zip(summaries, calls, strict=True) if wanted.fits(summary.outcome, made)]


def _columns(row: bytes) -> Columns:
    return dict(zip(_RUN_COLUMNS, json.loads(row), strict=True))


def _summary(columns: Columns, now: Timestamp) -> RunSummary:
    owner, alive_at = _owner(columns)
    outcome = standing(columns["outcome"], owner, alive_at, now)
    cost, tried = columns["cost"], [each.split(" ", 1) for each in columns["tried"] or ()]
    refs = (ref for _, ref in sorted(tried, key=lambda each: int(each[0])))
    told: dict[str, Any] = {"outcome": outcome, "cost": None if cost is None else Decimal(cost)}
    told |= {"primary": columns.pop("primary_ref"), "tried": tuple(dict.fromkeys(refs))}
    return RunSummary(**columns | told)


def _owner(columns: Columns) -> tuple[Process, Timestamp]:
    """Taken out of `columns`."""
    owner = Process(columns.pop("host"), columns.pop("pid"), columns.pop("process_started"))
    return owner, columns.pop("alive_at")


def _fits(where: RunFilter, summary: RunSummary) -> bool:
    """What the indexes cannot tell."""
    return (
        (where.since is None or summary.started_at >= where.since)
        and (where.until is None or summary.started_at <= where.until)
        and where.outcome in (None, summary.outcome)
        and (where.text is None or storable(where.text.casefold()) in summary.prompt.casefold())
        and (where.caller is None or caller_name(summary.caller) == where.caller)
        and (where.conversation is None or summary.caller.get("conversation") == where.conversation)
        and (where.correlation is None or summary.caller.get("correlation") == where.correlation)
    )


async def totals(connection: RedisConnection, since: Timestamp) -> DayTotals:
    """Over the runs since then; whoever needs it more exactly than a billionth of a dollar adds up the runs."""
    _, sums = await connection.run("totals", ("runs",), (microseconds(since),), PATIENT_SECONDS)
    requests, answered, failed, read, written, nano_dollars, cost_unknown = map(int, sums)
    return DayTotals(
        since=since,
        requests=requests,
        answered=answered,
        failed=failed,
        input_tokens=read,
        output_tokens=written,
        cost=Decimal(nano_dollars) / 1_000_000_000,
        cost_unknown=cost_unknown,
    )


async def find_runs(connection: RedisConnection, prefix: str) -> list[str]:
    """Ids that begin so, newest first."""
    start = storable(prefix).encode()
    bounds = (b"[" + start, b"(" + start + b"\xff") if start else (b"-", b"+")
    return [run_id.decode() for run_id in (await connection.run("find", ("ids",), (*bounds, FOUND_RUNS), PATIENT_SECONDS))[1:]]


async def attempts(connection: RedisConnection, run_id: str, now: Callable[[], Timestamp]) -> list[AttemptRow]:
    """Of one run, in order."""
    keys = (f"run:{storable(run_id)}", f"attempts:{storable(run_id)}")
    _, run_fields, fields = await connection.run("look", keys, (), PATIENT_SECONDS)
    run = _hash(run_fields)
    if not run:
        return []
    by_number = read_hash(fields)
    owner, alive_at = _owner(run)
    moment = now()
    return [
        AttemptRow(
            run_id=run_id,
            attempt=number,
            outcome=attempt_standing(columns["outcome"], run["outcome"], owner, alive_at, moment),
            **{name: columns[name] for name in ("ref", "tier", "move", "started_at", "kind", "duration_seconds")},
        )
        for number, columns in sorted(by_number.items())
    ]


def read_hash(flat: Sequence[bytes]) -> dict[int, Columns]:
    """Of a run's attempts: the columns of each, by its number."""
    by_number: dict[int, Columns] = {}
    for name, value in _hash(flat).items():
        number, _, column = name.partition(".")
        by_number.setdefault(int(number), {})[column] = value
    return by_number


def _hash(flat: Sequence[bytes]) -> Columns:
    return {name.decode(): json.loads(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


async def events(connection: RedisConnection, run_id: str, after_seq: int, limit: int | None) -> list[Event]:
    """Of one run, in order."""
    stream = f"{connection.prefix}events:{storable(run_id)}"
    found: list[Event] = []
    start = f"{after_seq + 2}-0"  # an entry's id is its last seq + 1
    while limit is None or len(found) < limit:
        page = _PAGE_ENTRIES if limit is None else min(_PAGE_ENTRIES, limit - len(found))
        entries = await connection.command("XRANGE", stream, start, "+", "COUNT", page, seconds=PATIENT_SECONDS)
        for entry_id, fields in entries:
            stored = (decode_event(event) for event in json.loads(zlib.decompress(fields[b"b"])))
            found += [event for event in stored if event is not None and event.seq > after_seq]
            start = f"({entry_id.decode()}"
            if limit is not None and len(found) >= limit:
                break
        if len(entries) < page:
            break
    return found


async def latencies(connection: RedisConnection, keys: Collection[ModelKey]) -> dict[ModelKey, list[Latency]]:
    """Of the newest attempts of each that succeeded, newest first."""
    wanted = tuple(keys)
    names = tuple(f"latencies:{storable(str(key))}" for key in wanted)
    if not wanted:
        return {}
    lists = (await connection.run("latest", names, (REMEMBERED_CALLS,), connection.place.timeout_seconds))[1:]
    return {key: [Latency(*json.loads(call)) for call in calls] for key, calls in zip(wanted, lists, strict=True) if calls}
