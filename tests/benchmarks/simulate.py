"""What `llmesc chain simulate` takes over a long history: `python -m tests.benchmarks.simulate [--runs N] [--days N]`.

A state of as many requests is made, of which one in four needed more than its first candidate, with an outage of that one every
day; it is played under another chain, and under another threshold with other circuits, by a process of its own, as an operator
would: starting included.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from llmesc.escalation.codec import encode_event
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.events import (
    Answer,
    AnswerRange,
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    Chain,
    Event,
    Move,
    ProviderFailed,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    Totals,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.resolution import Offering, Price, Resolution, Tier
from llmesc.escalation.times import Timestamp
from tests.benchmarks.as_an_operator import place

CONFIG = """
[providers.lab]
api = "simulated"
tier = "vllm"
models = [{ name = "qwen3-32b", context_window = 32768 }]
instances.gpu1 = {}
[providers.openai]
api = "simulated"
tier = "cloud"
models = [{ name = "gpt-5-mini", price = { input_per_million = "0.25", output_per_million = "2" } }]
[providers.claude]
api = "simulated"
tier = "frontier"
models = [{ name = "claude-sonnet-4-6", price = { input_per_million = "3", output_per_million = "15" } }]
[chains]
default = ["lab/qwen3-32b", "openai/gpt-5-mini", "claude/claude-sonnet-4-6"]
"""
POLICIES = {
    "another chain": '[chains]\ndefault = ["openai/gpt-5-mini", "lab/qwen3-32b", "claude/claude-sonnet-4-6"]\n',
    "another threshold, other circuits": (
        "[escalation]\nquality_threshold = 70\nmax_attempts = 2\n[circuit]\nfailure_threshold = 2\n"
    ),
}
ANSWER = "A log is replicated from a leader to its followers, who confirm each entry before it counts as committed. " * 6


def candidate(provider: str, instance: str, model: str, tier: Tier, price: tuple[str, str] | None) -> Resolution:
    return Resolution(
        tier=tier,
        provider=provider,
        instance=instance,
        model=model,
        offering=Offering(
            offering_id=f"{provider}/{model}",
            context_window=32_768,
            price=None if price is None else Price(input_per_million=Decimal(price[0]), output_per_million=Decimal(price[1])),
        ),
        endpoint=f"https://{provider}.example",
    )


CANDIDATES = (
    candidate("lab", "gpu1", "qwen3-32b", Tier.VLLM, None),
    candidate("openai", "default", "gpt-5-mini", Tier.CLOUD, ("0.25", "2")),
    candidate("claude", "default", "claude-sonnet-4-6", Tier.FRONTIER, ("3", "15")),
)
SECONDS = (1.6, 1.1, 3.9)


class _Told:
    """The events of one run, as they would have been written."""

    def __init__(self, run_id: str, at: float, prompt: str) -> None:
        self._run_id, self._at, self._seconds = run_id, at, 0.002
        self._seq = 0
        self._attempts = 0
        self._cost = Decimal(0)
        self.rows: list[tuple[int, int, str]] = []
        self.calls: list[tuple[Any, ...]] = []
        self._pending: list[Event] = []
        chain = Chain(name="default", candidates=CANDIDATES)
        caller = {"user": "ann", "host": "web1", "pid": "1", "command": "ask"}
        self._add(RunStarted, request=ask_for(prompt), chain=chain, limits=Limits(), caller=caller)

    def _add(self, kind: type[Event], **more: Any) -> None:
        at = Timestamp(self._at + self._seconds)
        make_event: Any = kind
        self._pending.append(make_event(run_id=self._run_id, seq=self._seq, at=at, elapsed_ms=self._seconds * 1000, **more))
        self._seq += 1

    def _flush(self) -> None:
        body = json.dumps([encode_event(event) for event in self._pending], separators=(",", ":"))
        self.rows.append((self._pending[0].seq, self._pending[-1].seq, body))
        self._pending = []

    def call(self, which: int, seconds: float, score: int | None) -> None:
        """One attempt; without a score it fails."""
        resolution = CANDIDATES[which]
        self._attempts += 1
        number = self._attempts
        began = self._at + self._seconds
        allowance = Allowance(seconds=100.0, of_seconds=120.0)
        self._add(
            AttemptStarted,
            attempt=number,
            attempt_id=f"{self._run_id}.{number}",
            resolution=resolution,
            move=Move.PRIMARY if number == 1 else Move.ESCALATION,
            allowance=allowance,
        )
        self._flush()
        usage, cost = Usage(input_tokens=412, output_tokens=171), (Decimal(0), Decimal("0.000445"), Decimal("0.003801"))[which]
        if score is None:
            seconds, usage, cost = 0.2, Usage(input_tokens=0, output_tokens=0), Decimal(0)
            failure = Failure(kind=FailureKind.OVERLOADED, rule="status.503", message="no workers", status=503)
        else:
            for part in range(3):
                self._seconds += seconds / 3
                for _ in range(4):
                    self._add(TextDelta, attempt=number, text=ANSWER[part * 40 : part * 40 + 50])
                if part < 2:
                    self._flush()
        if score is None:
            self._seconds += seconds
            self._add(ProviderFailed, attempt=number, resolution=resolution, failure=failure)
            outcome = AttemptOutcome.ERROR
        else:
            self._add(QualityChecked, attempt=number, score=score, threshold=50, passed=score >= 50, reasons=())
            outcome = AttemptOutcome.SUCCESS if score >= 50 else AttemptOutcome.QUALITY_FAILURE
        self._cost += cost
        self._add(
            AttemptFinished,
            attempt=number,
            resolution=resolution,
            outcome=outcome,
            usage=usage,
            cost=cost,
            cost_estimated=False,
            first_token_seconds=None if score is None else seconds / 3,
            duration_seconds=seconds,
            characters=600,
            finish_reason=None if score is None else "stop",
        )
        tier = resolution.tier.label
        kind = "overloaded" if score is None else None
        self.calls.append((number, resolution.ref, resolution.provider, tier, began, outcome.value, kind, seconds, str(cost)))

    def end(self, answered_by: int | None) -> tuple[Any, ...]:
        """The columns of its row."""
        answer = None
        if answered_by is not None:
            whole = AnswerRange(attempt=self._attempts, start=0, end=len(ANSWER))
            answer = Answer(text=ANSWER, attempt=self._attempts, resolution=CANDIDATES[answered_by], ranges=(whole,), score=100)
        totals = Totals(
            attempts=self._attempts, skipped=0, usage=Usage(input_tokens=412), cost=self._cost, duration_seconds=self._seconds
        )
        outcome = RunOutcome.EXHAUSTED if answer is None else RunOutcome.ANSWERED
        self._add(RunFinished, outcome=outcome, answer=answer, totals=totals)
        self._flush()
        ref = None if answered_by is None else CANDIDATES[answered_by].ref
        return outcome.value, ref, self._attempts, str(self._cost), self._at + self._seconds


def history(runs: int, now: float, days: float) -> Iterator[tuple[int, float, _Told, tuple[Any, ...]]]:
    """Runs over the days, the oldest first; half an hour of each day the first candidate is down."""
    rolled = random.Random(1)
    for number in range(runs):
        at = now - days * 86_400 * (1 - number / runs)
        told = _Told(f"{number:012x}", at, f"Question {number}: explain Raft to a new operator, step by step. " * 4)
        down = at % 86_400 < 1_800
        answered_by = None
        for which, usual in enumerate(SECONDS):
            chance = rolled.random()
            if which == 0 and (down or chance < 0.05):
                score = None
            elif chance < (0.2, 0.08, 0.03)[which]:
                score = rolled.choice((40, 20, 0))
            else:
                score = rolled.choice((100, 100, 100, 60))
            told.call(which, usual * rolled.lognormvariate(0, 0.5), score)
            if score is not None and score >= 50:
                answered_by = which
                break
        yield int(at * 1_000_000), at, told, told.end(answered_by)


RUN = (
    "INSERT INTO runs (id, run_id, started_at, finished_at, outcome, chain, prompt, answered_by, attempts, cost, caller, "
    "host, pid, process_started, alive_at) VALUES (?, ?, ?, ?, ?, 'default', '', ?, ?, ?, ?, 'web1', 1, 1, ?)"
)
ATTEMPT = (
    "INSERT INTO attempts (run, attempt, ref, provider, tier, move, started_at, outcome, kind, duration_seconds, call_cost) "
    "VALUES (?, ?, ?, ?, ?, 'primary', ?, ?, ?, ?, ?)"
)
EVENTS = "INSERT INTO events (run, first_seq, last_seq, body) VALUES (?, ?, ?, ?)"


def fill(path: Path, runs: int, now: float, days: float) -> None:
    """Writes the history past the store, which would take an hour."""
    caller = json.dumps({"user": "ann", "host": "web1", "pid": "1", "command": "ask"})
    with closing(sqlite3.connect(path)) as connection, connection:
        for run, at, told, (outcome, ref, attempts, cost, ended) in history(runs, now, days):
            connection.execute(RUN, (run, told._run_id, at, ended, outcome, ref, attempts, cost, caller, ended))
            connection.executemany(ATTEMPT, [(run, *call) for call in told.calls])
            connection.executemany(EVENTS, [(run, *row) for row in told.rows])


def measure(runs: int, days: float, policies: Sequence[str]) -> None:
    """Makes the history and plays each policy."""
    with place(CONFIG) as there:
        fill(there.state, runs, time.time() - 60, days * 0.99)
        print(
            f"{runs:,} requests in {days:g} days, {there.state.stat().st_size / 1e6:,.0f} MB; each play in a process of its own"
        )
        for name in policies:
            policy = there.folder / "policy.toml"
            policy.write_text(POLICIES[name])
            took = there.run("chain", "simulate", "--policy", str(policy), "--since", f"{days}d", "--json")
            told = json.loads(took.out)
            assert told["requests"] == runs, told["requests"]
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
            alike, answered = told["fidelity"]["share"], [told[side]["answered"] for side in ("recorded", "present", "policy")]
            print(f"{name}: {took.wall_seconds:.1f} s, {took.processor_seconds:.1f} s of the processor, {memory:.0f} MB at most")
            print(f"  as recorded {alike:.2%}; answered as recorded, now and new: {answered}, {told['policy']['rests_on']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=30)
    asked = parser.parse_args()
    measure(asked.runs, asked.days, list(POLICIES))
