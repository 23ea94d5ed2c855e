"""What a run's events mean for the lists of runs and attempts: the same for every store.

An event becomes changes of named columns, so that a store may apply them as it likes: to a dictionary or in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    Event,
    JudgeCall,
    JudgeTotals,
    ProviderFailed,
    QualityChecked,
    RunFinished,
    RunStarted,
)
from llmesc.escalation.latency import Latency
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp
from llmesc.state.process import Process, is_running

Columns = dict[str, Any]

HEDGED_AWAY, LOST_HEDGE = "hedged_away", "lost_hedge"
"""What stands in place of a failure kind where another attempt was first: its hedge, or the one that it hedged."""

TELLING = frozenset((RunStarted, AttemptStarted, ProviderFailed, QualityChecked, AttemptFinished, AttemptPriced, RunFinished))
"""The events that mean something to rows and budgets. All others, tokens above all, only stand in the record."""

PROMPT_CHARACTERS = 200

NOT_JUDGED: Columns = dict.fromkeys(("judge_ref", "judge_tier", "judge_input_tokens", "judge_output_tokens", "judge_cost"))
"""What the columns mean that an attempt has only where another model judged it."""

NO_JUDGE: Columns = dict.fromkeys(("judge_calls", "judges_cost"))
"""The same of a run."""

ALIVE_SECONDS = 60.0
"""A run of another host that was silent for longer counts as interrupted."""


def new_run(event: Event, writer: Process) -> Columns:
    """The columns of a run whose first known event is `event`."""
    return {
        "run_id": event.run_id,
        "started_at": event.at,
        "finished_at": None,
        "outcome": None,
        "chain": "",
        "prompt": "",
        "primary_ref": None,
        "answered_by": None,
        "attempts": 0,
        "cost": None,
        "input_tokens": None,
        "output_tokens": None,
        "caller": {},
        **_owner_columns(writer),
    }


def run_changes(event: Event, writer: Process) -> Columns:
    """Columns of the run that `event` sets; `writer` is the process that stores it."""
    match event:
        case RunStarted():
            return {
                "started_at": event.at,
                "chain": event.chain.name,
                "primary_ref": event.chain.candidates[0].ref if event.chain.candidates else None,
                "prompt": storable(event.request.prompt[:PROMPT_CHARACTERS]),
                "caller": dict(event.caller),
                **_owner_columns(_owner(event.caller, writer)),
            }
        case AttemptStarted():
            return {"attempts": event.attempt}
        case RunFinished():
            return {
                "finished_at": event.at,
                "outcome": event.outcome.value,
                "answered_by": event.answer.resolution.ref if event.answer else None,
                "attempts": event.totals.attempts,
                "cost": event.totals.cost,
                "input_tokens": event.totals.usage.input_tokens,
                "output_tokens": event.totals.usage.output_tokens,
                **(_judges_of_run(judge) if (judge := event.totals.judge) is not None else {}),
            }
        case _:
            return {}


def new_attempt(event: Event, attempt: int) -> Columns:
    """The columns of an attempt whose first known event is `event`."""
    return {
        "attempt": attempt,
        "ref": "",
        "provider": "",
        "tier": "",
        "move": "",
        "started_at": event.at,
        "outcome": None,
        "kind": None,
        "first_token_seconds": None,
        "duration_seconds": None,
        "call_input_tokens": None,
        "call_output_tokens": None,
        "call_cost": None,
    }


def attempt_changes(event: Event) -> tuple[int, Columns] | None:
    """The attempt that `event` is about, and the columns that it sets."""
    match event:
        case AttemptStarted():
            return event.attempt, {**_where(event.resolution), "move": event.move.value, "started_at": event.at}
        case ProviderFailed():
            return event.attempt, {**_where(event.resolution), "kind": event.failure.kind.value}
        case AttemptFinished():
            ended = {
                "outcome": event.outcome.value,
                "first_token_seconds": event.first_token_seconds,
                "duration_seconds": event.duration_seconds,
                "call_input_tokens": event.usage.input_tokens,
                "call_output_tokens": event.usage.output_tokens,
                "call_cost": event.cost,
            }
            lost = {} if event.lost_to is None else {"kind": HEDGED_AWAY if event.lost_to > event.attempt else LOST_HEDGE}
            judged = {} if event.unfinished_judge is None else _judged(event.unfinished_judge)
            return event.attempt, {**_where(event.resolution), **ended, **lost, **judged}
        case QualityChecked(judge=JudgeCall() as judge):
            return event.attempt, _judged(judge)
        case AttemptPriced():
            return event.attempt, {"call_cost": event.cost}
        case _:
            return None


def latency_of(event: AttemptFinished) -> Latency | None:
    """What an attempt teaches of how fast its model is; `sqlite_history.latencies` reads the same from its rows."""
    if event.outcome is AttemptOutcome.SUCCESS:
        return Latency(event.first_token_seconds, event.duration_seconds)
    if event.lost_to is not None and event.lost_to > event.attempt:
        return Latency(event.duration_seconds, None)
    return None


def standing(outcome: str | None, owner: Process, alive_at: Timestamp, now: Timestamp) -> str:
    """The outcome; of a run without one `running`, or `interrupted` when its process is gone and will never write the end."""
    if outcome is not None:
        return outcome
    alive = is_running(owner)
    if alive is None:
        alive = now - alive_at <= ALIVE_SECONDS
    return "running" if alive else "interrupted"


def attempt_standing(outcome: str | None, run_outcome: str | None, owner: Process, alive_at: Timestamp, now: Timestamp) -> str:
    """As `standing`, of an attempt. One without an end in a run that ended was left behind by a crash between the two."""
    if outcome is None and run_outcome is not None:
        return "interrupted"
    return standing(outcome, owner, alive_at, now)


def stretches(events: Sequence[Event]) -> list[Sequence[Event]]:
    """`events`, cut wherever a seq is missing: each part is known by its first and last seq alone."""
    if events and events[-1].seq - events[0].seq == len(events) - 1:
        return [events]
    cuts = [index for index, (one, two) in enumerate(pairwise(events), 1) if two.seq != one.seq + 1]
    parts = [events[start:end] for start, end in pairwise([0, *cuts, len(events)])]
    return [part for part in parts if part]


def storable(text: str) -> str:
    """`text` without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode()


def _judged(call: JudgeCall) -> Columns:
    """What another model took to judge an attempt. Most attempts have no such columns: see `NOT_JUDGED`."""
    return {
        "judge_ref": call.resolution.ref,
        "judge_tier": call.resolution.tier.label,
        "judge_input_tokens": call.usage.input_tokens,
        "judge_output_tokens": call.usage.output_tokens,
        "judge_cost": call.cost,
    }


def _judges_of_run(totals: JudgeTotals) -> Columns:
    return {"judge_calls": totals.calls, "judges_cost": totals.cost}


def _where(resolution: Resolution) -> Columns:
    return {"ref": resolution.ref, "provider": resolution.provider, "tier": resolution.tier.label}


def _owner(caller: Mapping[str, str], writer: Process) -> Process:
    """The process that made the run: the caller's, where another one stores what that had spooled."""
    pid = caller.get("pid", "")
    if not pid.isdecimal() or int(pid) == writer.pid:
        return writer
    return Process(caller.get("host", writer.host), int(pid), None)


def _owner_columns(owner: Process) -> Columns:
    return {"host": owner.host, "pid": owner.pid, "process_started": owner.started}
