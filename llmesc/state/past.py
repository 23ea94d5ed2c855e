"""What a run's record tells of its calls, for whoever plays them again under other rules: the same from every store. Pure.

Read from events as they were written, not from the events' own types: of a hundred thousand runs only what is asked for is made
into values, and what many runs share (their chain, their limits, a failure) is made once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from llmesc.escalation.codec import decode
from llmesc.escalation.events import Chain, SkipReason
from llmesc.escalation.failures import Failure, FailureKind, SkipScope
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.times import Timestamp, from_rfc3339
from llmesc.state.usage import caller_name

TELLING = (
    "run_started",
    "candidate_skipped",
    "attempt_started",
    "provider_failed",
    "quality_checked",
    "attempt_finished",
    "attempt_priced",
    "tool_call_finished",
    "waiting",
    "run_finished",
)
"""The types of the events that are read here. The many pieces of text are not among them."""

PAGE_RUNS = 500
"""Runs of one page, at most: some 30 ms of reading, after which others have their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastQuery:
    """Of the runs that began at `since` or later, and before `until`; None does not filter."""

    since: Timestamp
    until: Timestamp
    chain: str | None = None
    caller: str | None = None
    """As `caller_name` has it."""
    provider: str | None = None
    """One that was called."""


class PastCall(NamedTuple):
    """One call, or one with the rounds of tools that followed from it at the same candidate: one turn."""

    key: ModelKey
    lead_seconds: float
    """From the beginning of the run, or the end of the call before, until its start: opening a wire, looking at circuits. 0 where
    the run waited in between.
    """
    held_seconds: float
    """From its start until the run went on: the call, its judging, its tools. Where it was hedged away: until its hedge began."""
    seconds: float
    """As its provider took it."""
    first_token_seconds: float | None
    outcome: str
    """An `AttemptOutcome`."""
    failure: Failure | None
    """Without its words."""
    score: int | None
    """Of its answer; None where it was not judged."""
    complete: bool
    """Whether the answer came to its own end: not condemned by its beginning, not cut."""
    usage: Usage
    cost: Decimal | None
    calls: int = 1
    """Requests that it made."""
    beside: tuple[tuple[ModelKey, Decimal | None], ...] = ()
    """Hedges that were slower, and what they cost."""
    hedged_away: bool = False
    """Another was called beside it, and was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run, as far as other rules could have changed it."""

    run_id: str
    began: Timestamp
    seconds: float | None
    """None: no end is on record; so is the next."""
    outcome: str | None
    """A `RunOutcome`."""
    answered_by: ModelKey | None
    cost: Decimal | None
    chain: Chain
    limits: Limits
    caller: str
    needs: frozenset[str]
    prompt_tokens: int | None
    """Estimated; None where the record was not to keep what was asked."""
    max_output_tokens: int | None
    """The longest answer that was asked for."""
    calls: tuple[PastCall, ...]
    """In the order of their turns."""
    skipped: Mapping[ModelKey, SkipReason]
    """The first reason of each candidate that was passed over."""
    tail_seconds: float = 0.0
    """From the end of its last call to its own; 0 behind a wait."""


class PastPage(NamedTuple):
    """Some runs, the newest first."""

    runs: Sequence[PastRun]
    rest: str
    """Where the next page begins; empty where there is none."""


class PastReader:
    """Makes runs of events; what runs share is remembered between them."""

    def __init__(self) -> None:
        self._chains: dict[str, Chain] = {}
        self._limits: dict[str, Limits] = {}
        self._keys: dict[tuple[str, str, str], ModelKey] = {}
        self._failures: dict[tuple[Any, ...], Failure] = {}
        self._needs: dict[frozenset[str], frozenset[str]] = {}

    def run(self, events: Iterable[Mapping[str, Any]]) -> PastRun | None:
        """The run of these events, in their order and as they are written; those that tell nothing may be missing. None without
        the event that begins it.
        """
        told = _Told(self)
        for event in events:
            told.take(event)
        return told.run()

    def chain(self, data: Mapping[str, Any]) -> Chain:
        """Decoded once for all runs that have the same."""
        text = _to_json(data)
        if (chain := self._chains.get(text)) is None:
            chain = self._chains[text] = decode(Chain, data)
        return chain

    def limits(self, data: Mapping[str, Any]) -> Limits:
        """As `chain`."""
        text = _to_json(data)
        if (limits := self._limits.get(text)) is None:
            limits = self._limits[text] = decode(Limits, data)
        return limits

    def key(self, resolution: Mapping[str, Any]) -> ModelKey:
        """Whom a resolution names."""
        names = (resolution["provider"], resolution["instance"], resolution["model"])
        if (key := self._keys.get(names)) is None:
            key = self._keys[names] = ModelKey(*names)
        return key

    def failure(self, data: Mapping[str, Any]) -> Failure:
        """Without its words, which decide nothing."""
        scope = data.get("scope")
        parts = (data["kind"], data["rule"], data.get("status"), data.get("retry_after_seconds"), scope)
        if (failure := self._failures.get(parts)) is None:
            failure = self._failures[parts] = Failure(
                kind=FailureKind(data["kind"]),
                rule=data["rule"],
                message="",
                status=data.get("status"),
                retry_after_seconds=data.get("retry_after_seconds"),
                scope=None if scope is None else SkipScope(scope),
            )
        return failure


_to_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(slots=True)
class _Attempt:
    """One attempt, while its events are read."""

    started: Mapping[str, Any]
    finished: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
    score: int | None = None
    cost: str | None = None
    ran_tools: bool = False


class _Told:
    """What the events of one run tell."""

    def __init__(self, reader: PastReader) -> None:
        self._reader = reader
        self._started: Mapping[str, Any] | None = None
        self._finished: Mapping[str, Any] | None = None
        self._attempts: dict[int, _Attempt] = {}
        self._skipped: dict[ModelKey, SkipReason] = {}
        self._waits: list[Mapping[str, Any]] = []

    def take(self, event: Mapping[str, Any]) -> None:
        """The next event."""
        match event["type"]:
            case "run_started":
                self._started = event
            case "candidate_skipped":
                self._skipped.setdefault(self._reader.key(event["resolution"]), event["reason"])
            case "attempt_started":
                self._attempts[event["attempt"]] = _Attempt(event)
            case "waiting":
                self._waits.append(event)
            case "run_finished":
                self._finished = event
            case _:
                if (attempt := self._attempts.get(event.get("attempt", 0))) is not None:
                    _tell(attempt, event)

    def run(self) -> PastRun | None:
        """All of it together."""
        started, finished, reader = self._started, self._finished, self._reader
        if started is None:
            return None
        answer = None if finished is None else finished["answer"]
        request = decode(Request, started["request"])
        total = None if finished is None else finished["totals"]["cost"]
        return PastRun(
            run_id=started["run_id"],
            began=from_rfc3339(started["at"]),
            seconds=None if finished is None else finished["elapsed_ms"] / 1000,
            outcome=None if finished is None else finished["outcome"],
            answered_by=None if answer is None else reader.key(answer["resolution"]),
            cost=None if total is None else Decimal(total),
            chain=reader.chain(started["chain"]),
            limits=reader.limits(started["limits"]),
            caller=caller_name(started["caller"]),
            needs=reader._needs.setdefault(request.needs, request.needs),
            prompt_tokens=request.estimated_tokens if started.get("capture", "full") in ("full", "redacted") else None,
            max_output_tokens=request.max_output_tokens,
            calls=tuple(self._calls()),
            skipped=self._skipped,
            tail_seconds=0.0 if finished is None else self._between(self._last_end(), finished["elapsed_ms"]),
        )

    def _calls(self) -> Iterator[PastCall]:
        attempts = [self._attempts[number] for number in sorted(self._attempts)]
        whole = [attempt for attempt in attempts if attempt.finished is not None]
        slower: dict[int, list[_Attempt]] = {}
        turns: list[list[_Attempt]] = []
        for attempt in whole:
            hedged, lost_to = attempt.started.get("hedges"), _finished(attempt).get("lost_to")
            if hedged is not None and lost_to == hedged:
                slower.setdefault(hedged, []).append(attempt)
            elif turns and turns[-1][-1].ran_tools and _model(turns[-1][-1]) == _model(attempt):
                turns[-1].append(attempt)
            else:
                turns.append([attempt])
        before_ms = 0.0
        for turn in turns:
            beside = tuple(
                (self._reader.key(other.started["resolution"]), _cost(other))
                for attempt in turn
                for other in slower.get(attempt.started["attempt"], ())
            )
            yield self._call(turn, before_ms, beside)
            before_ms = _finished(turn[-1])["elapsed_ms"]

    def _call(self, turn: Sequence[_Attempt], before_ms: float, beside: tuple[tuple[ModelKey, Decimal | None], ...]) -> PastCall:
        first, last = turn[0], turn[-1]
        end = _finished(last)
        began = first.started["elapsed_ms"] / 1000
        until, lost_to = end["elapsed_ms"] / 1000, end.get("lost_to")
        if lost_to is not None and (faster := self._attempts.get(lost_to)) is not None:
            until = faster.started["elapsed_ms"] / 1000
        costs = [_cost(attempt) for attempt in turn]
        known = [cost for cost in costs if cost is not None]
        return PastCall(
            key=self._reader.key(first.started["resolution"]),
            lead_seconds=self._between(before_ms, first.started["elapsed_ms"]),
            held_seconds=max(0.0, until - began),
            seconds=end["duration_seconds"] if len(turn) == 1 else max(0.0, until - began),
            first_token_seconds=_finished(first)["first_token_seconds"],
            outcome=end["outcome"],
            failure=None if last.failure is None else self._reader.failure(last.failure),
            score=last.score,
            complete=end.get("finish_reason") is not None,
            usage=_usage([_finished(attempt)["usage"] for attempt in turn]),
            cost=sum(known, Decimal(0)) if len(known) == len(costs) else None,
            calls=len(turn),
            beside=beside,
            hedged_away=lost_to is not None,
        )

    def _last_end(self) -> float:
        return max((_finished(each)["elapsed_ms"] for each in self._attempts.values() if each.finished is not None), default=0.0)

    def _between(self, before_ms: float, after_ms: float) -> float:
        """Seconds, unless they were spent waiting."""
        if any(before_ms <= wait["elapsed_ms"] <= after_ms for wait in self._waits):
            return 0.0
        return max(0.0, after_ms - before_ms) / 1000


def _tell(attempt: _Attempt, event: Mapping[str, Any]) -> None:
    """What an event tells of its attempt."""
    match event["type"]:
        case "provider_failed":
            attempt.failure = event["failure"]
        case "quality_checked":
            attempt.score = event["score"]
        case "attempt_finished":
            attempt.finished = event
            attempt.cost = event["cost"] if attempt.cost is None else attempt.cost
        case "attempt_priced":
            attempt.cost = event["cost"]
        case "tool_call_finished":
            attempt.ran_tools = True
        case _:
            pass


def _finished(attempt: _Attempt) -> Mapping[str, Any]:
    assert attempt.finished is not None, "only attempts with an end are taken for calls"
    return attempt.finished


def _model(attempt: _Attempt) -> tuple[str, str, str]:
    resolution = attempt.started["resolution"]
    return resolution["provider"], resolution["instance"], resolution["model"]


def _cost(attempt: _Attempt) -> Decimal | None:
    return None if attempt.cost is None else Decimal(attempt.cost)


def _usage(usages: Sequence[Mapping[str, Any]]) -> Usage:
    return Usage(
        input_tokens=_total(usages, "input_tokens"),
        output_tokens=_total(usages, "output_tokens"),
        cached_tokens=_total(usages, "cached_tokens"),
        reasoning_tokens=_total(usages, "reasoning_tokens"),
        estimated=any(usage.get("estimated") for usage in usages),
    )


def _total(usages: Sequence[Mapping[str, Any]], name: str) -> int | None:
    known = [usage[name] for usage in usages if usage.get(name) is not None]
    return sum(known) if known else None
