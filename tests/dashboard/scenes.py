"""Moments of a dashboard, made of events with fixed times: what pictures are taken of, and what tests of panes look at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from llmesc.dashboard.board import Board, StoreState
from llmesc.engine import AskOptions, CircuitLine, DayTotals, RunSummary
from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Lease, Override, Recent, WeightedFailure
from llmesc.escalation.events import (
    Answer,
    AnswerRange,
    AnswerReset,
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    CandidateSkipped,
    Chain,
    CircuitChanged,
    Event,
    Move,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    Totals,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, Usage, ask_for
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Price, Resolution, Tier
from llmesc.escalation.times import Timestamp

NOW = Timestamp(1_790_006_652.0)
"""2026-09-21 16:04:12 UTC."""

EMBEDDED = Resolution(
    tier=Tier.LOCAL, provider="embedded", instance="default", model="smollm2-135m", offering=Offering(offering_id="embedded")
)
LAB = Resolution(
    tier=Tier.VLLM, provider="lab", instance="gpu1", model="qwen3-32b", offering=Offering(offering_id="lab", context_window=32768)
)
CLAUDE = Resolution(
    tier=Tier.FRONTIER,
    provider="claude",
    instance="team-a",
    model="claude-sonnet-4-6",
    offering=Offering(offering_id="claude", price=Price(input_per_million=Decimal(3), output_per_million=Decimal(15))),
)
CHAIN = Chain(name="default", candidates=(EMBEDDED, LAB, CLAUDE))

RAFT = (
    "Raft is a **consensus algorithm**: a group of servers agrees on one log of commands, and keeps agreeing while some of them "
    "fail.\n\n1. *Leader election.* One server leads; when it falls silent the others elect a new one.\n"
    "2. *Log replication.* The leader sends each command to the followers, and commits it when most have it.\n"
    "3. *Safety.* A leader always holds every committed entry.\n\n```python\nquorum = len(servers) // 2 + 1\n```\n"
)

OVERLOADED = Failure(
    kind=FailureKind.OVERLOADED,
    rule="status.503",
    message="no workers available",
    status=503,
    retry_after_seconds=4.0,
    retry_after_source="header",
)


class Tape:
    """The events of one run as they are recorded, `began` seconds before `NOW`."""

    def __init__(self, run_id: str, prompt: str, *, began: float, chain: Chain = CHAIN) -> None:
        self.run_id = run_id
        self.events: list[Event] = []
        self._began = NOW - began
        self._ms = 0.0
        self._attempt = 0
        self._who = EMBEDDED
        self._started_ms = 0.0
        self._first_ms: float | None = None
        self._characters = 0
        self.add(RunStarted, request=ask_for(prompt), chain=chain, limits=Limits(), caller={"user": "ann", "command": "ask"})

    def add(self, make: type[Event], *, after_ms: float = 0.0, **fields: Any) -> Tape:
        """One more event, so long after the one before."""
        self._ms += after_ms
        head = {"run_id": self.run_id, "seq": len(self.events), "at": Timestamp(self._began + self._ms / 1000)}
        self.events.append(make(**head, elapsed_ms=self._ms, **fields))
        return self

    def call(self, who: Resolution, move: Move) -> Tape:
        """An attempt begins."""
        self._attempt += 1
        self._who, self._started_ms, self._first_ms, self._characters = who, self._ms, None, 0
        attempt_id = f"{self.run_id}.{self._attempt}"
        return self.add(AttemptStarted, after_ms=2, attempt=self._attempt, attempt_id=attempt_id, resolution=who, move=move)

    def hedge(self, who: Resolution, after_ms: float) -> Tape:
        """The next candidate is called beside the first, which is silent; what follows is told of the first until it has lost."""
        fields = {"attempt": self._attempt + 1, "attempt_id": f"{self.run_id}.{self._attempt + 1}"}
        return self.add(AttemptStarted, after_ms=after_ms, resolution=who, move=Move.ESCALATION, hedges=self._attempt, **fields)

    def outrun(self, by: Resolution) -> Tape:
        """Its hedge was first, and has the turn."""
        loser = self._who
        self.ended(AttemptOutcome.CANCELLED, lost_to=self._attempt + 1)
        self._attempt += 1
        self._who, self._first_ms = by, None
        fields = {"from_resolution": loser, "to_resolution": by, "move": Move.ESCALATION, "because": "hedge"}
        upgrade = loser.tier.self_hosted and not by.tier.self_hosted
        detail = f"{loser.ref} was silent for 2 s"
        return self.add(ProviderSwitched, detail=detail, tier_upgrade=upgrade, characters_discarded=0, **fields)

    def think(self, text: str) -> Tape:
        """It reasons."""
        return self.add(ThinkingDelta, after_ms=300, attempt=self._attempt, text=text)

    def write(self, text: str, *, size: int = 6, pace_ms: float = 12.0, wait_ms: float = 400.0) -> Tape:
        """It writes, a few characters at a time."""
        for at in range(0, len(text), size):
            self.add(TextDelta, after_ms=wait_ms if at == 0 else pace_ms, attempt=self._attempt, text=text[at : at + size])
            self._first_ms = self._first_ms or self._ms
        self._characters += len(text)
        return self

    def judged(self, score: int, *reasons: str) -> Tape:
        """The answer is complete and has its score."""
        fields = {"score": score, "threshold": 50, "passed": score >= 50, "reasons": reasons}
        return self.add(QualityChecked, after_ms=3, attempt=self._attempt, **fields)

    def ended(
        self,
        outcome: AttemptOutcome,
        *,
        tokens: tuple[int, int] = (412, 0),
        cost: str | None = None,
        lost_to: int | None = None,
    ) -> Tape:
        """The attempt is over."""
        first = None if self._first_ms is None else (self._first_ms - self._started_ms) / 1000
        return self.add(
            AttemptFinished,
            after_ms=1,
            attempt=self._attempt,
            resolution=self._who,
            outcome=outcome,
            usage=Usage(input_tokens=tokens[0], output_tokens=tokens[1]),
            cost=None if cost is None else Decimal(cost),
            cost_estimated=False,
            first_token_seconds=first,
            duration_seconds=(self._ms - self._started_ms) / 1000,
            characters=self._characters,
            lost_to=lost_to,
        )

    def fails(self, failure: Failure) -> Tape:
        """The call fails, and the attempt with it."""
        self.add(ProviderFailed, after_ms=180, attempt=self._attempt, resolution=self._who, failure=failure)
        return self.ended(AttemptOutcome.ERROR, tokens=(0, 0), cost="0")

    def switch(self, to: Resolution, because: str, detail: str) -> Tape:
        """The next candidate's turn; what was written no longer counts."""
        fields = {"from_resolution": self._who, "to_resolution": to, "move": Move.ESCALATION, "because": because}
        upgrade = self._who.tier.self_hosted and not to.tier.self_hosted
        self.add(ProviderSwitched, detail=detail, tier_upgrade=upgrade, characters_discarded=self._characters, **fields)
        if self._characters:
            self.add(AnswerReset, attempt=self._attempt, characters=self._characters)
        return self.call(to, Move.ESCALATION)

    def skip(self, who: Resolution, retry_in: float) -> Tape:
        """Its circuit is open."""
        retry_at = Timestamp(self._began + self._ms / 1000 + retry_in)
        return self.add(CandidateSkipped, resolution=who, reason="circuit_open", detail="server_error: 503", retry_at=retry_at)

    def opened(self, who: Resolution, failure: Failure, seconds: float) -> Tape:
        """The failure opened its circuit."""
        at = Timestamp(self._began + self._ms / 1000)
        cause = Cause(kind=failure.kind, message=failure.message, at=at)
        states = {"before": CircuitState.CLOSED, "after": CircuitState.OPEN}
        return self.add(CircuitChanged, key=who.circuit_key, cause=cause, retry_at=Timestamp(at + seconds), **states)

    def done(self, outcome: RunOutcome, text: str | None = None, *, score: int = 100, cost: str | None = None) -> Tape:
        """The run is over."""
        answer = None
        if text is not None:
            ranges = (AnswerRange(attempt=self._attempt, start=0, end=len(text)),)
            answer = Answer(text=text, attempt=self._attempt, resolution=self._who, ranges=ranges, score=score)
        usage = Usage(input_tokens=824, output_tokens=len(text or "") // 4)
        money = None if cost is None else Decimal(cost)
        totals = Totals(attempts=self._attempt, skipped=0, usage=usage, cost=money, duration_seconds=self._ms / 1000)
        return self.add(RunFinished, after_ms=1, outcome=outcome, answer=answer, totals=totals)

    @property
    def view(self) -> RunView:
        """The fold of all of it."""
        view = RunView()
        for event in self.events:
            view = fold(view, event)
        return view

    @property
    def summary(self) -> RunSummary:
        """Its line in the list."""
        view = self.view
        totals = view.totals
        assert view.request is not None
        return RunSummary(
            run_id=self.run_id,
            started_at=self.events[0].at,
            finished_at=self.events[-1].at if view.outcome else None,
            outcome=view.outcome or "running",
            chain="default",
            prompt=view.request.prompt,
            primary=view.chain.candidates[0].ref if view.chain else None,
            tried=tuple(attempt.resolution.ref for attempt in view.attempts),
            answered_by=view.answer.resolution.ref if view.answer else None,
            attempts=len(view.attempts),
            cost=totals.cost if totals else None,
            input_tokens=totals.usage.input_tokens if totals else None,
            output_tokens=totals.usage.output_tokens if totals else None,
            caller={"user": "ann", "command": "ask"},
        )


def streaming() -> Tape:
    """The first candidate writes."""
    return Tape("7f3a", "Explain Raft to a new operator", began=2.4).call(EMBEDDED, Move.PRIMARY).write(RAFT[:260])


def switched() -> Tape:
    """Two candidates failed, the third writes."""
    tape = Tape("7f3a", "Explain Raft to a new operator", began=4.2).call(EMBEDDED, Move.PRIMARY)
    tape.write("Raft is a wooden boat that").judged(20, "truncated -60: the answer stops in the middle", "short -20")
    tape.ended(AttemptOutcome.QUALITY_FAILURE, tokens=(412, 7), cost="0")
    tape.switch(LAB, "quality", "truncated -60: the answer stops in the middle").fails(OVERLOADED)
    tape.opened(LAB, OVERLOADED, 60.0)
    tape.switch(CLAUDE, "overloaded", "no workers available").think("The user wants a short introduction. ")
    return tape.write(RAFT[:330])


def racing() -> Tape:
    """Two candidates are asked at the same time."""
    return Tape("7f3a", "Explain Raft to a new operator", began=4.2).call(LAB, Move.PRIMARY).hedge(CLAUDE, after_ms=2000)


def hedged() -> Tape:
    """The second of two was first, and writes."""
    return racing().outrun(CLAUDE).write(RAFT[:120])


def answered() -> Tape:
    """As `switched`, to its end."""
    tape = switched().write(RAFT[330:], wait_ms=12).judged(100)
    return tape.ended(AttemptOutcome.SUCCESS, tokens=(412, 171), cost="0.0038").done(RunOutcome.ANSWERED, RAFT, cost="0.0038")


def below_bar() -> Tape:
    """Nobody was good enough; the best is shown all the same."""
    tape = Tape("61bc", "List all primes below 100 as JSON", began=95).call(EMBEDDED, Move.PRIMARY)
    tape.write("Sure! 2, 3, 5, 7").judged(40, "json -60: no JSON value").ended(AttemptOutcome.QUALITY_FAILURE, tokens=(31, 9))
    tape.switch(LAB, "quality", "json -60: no JSON value").write("[2, 3, 5, 7,").judged(30, "json -60: ends too soon")
    tape.ended(AttemptOutcome.QUALITY_FAILURE, tokens=(31, 8))
    return tape.done(RunOutcome.BELOW_BAR, "Sure! 2, 3, 5, 7", score=40)


def exhausted() -> Tape:
    """Every call failed, and one candidate was passed over."""
    refused = Failure(kind=FailureKind.CONNECTION, rule="transport.connect_refused", message="connection refused")
    no_credit = Failure(kind=FailureKind.ACCOUNT, rule="code.insufficient_quota", message="your credit is used up", status=429)
    tape = Tape("55d0", "Summarise the incident of last night", began=190).skip(EMBEDDED, 42.0).call(LAB, Move.PRIMARY)
    tape.fails(refused).switch(CLAUDE, "connection", "connection refused").fails(no_credit).opened(CLAUDE, no_credit, 60.0)
    return tape.done(RunOutcome.EXHAUSTED, cost="0")


def circuits() -> tuple[CircuitLine, ...]:
    """One in every state."""

    def line(provider: str, instance: str, state: str, **fields: Any) -> CircuitLine:
        circuit = Circuit(state=CircuitState(state), **fields)
        return CircuitLine(key=CircuitKey(provider, instance), state=state, circuit=circuit, configured=True)

    def recent(*seconds: float) -> tuple[Recent, ...]:
        return tuple(Recent(Timestamp(NOW - 300 + 9 * number), wait > 0, abs(wait)) for number, wait in enumerate(seconds))

    refused = Cause(kind="connection", message="connection refused", at=Timestamp(NOW - 18))
    unpaid = Cause(kind="account", message="your credit is used up", at=Timestamp(NOW - 400))
    lease = Lease(token="t", holder="web1:4711", expires_at=Timestamp(NOW + 90))
    drain = Override(state="open", who="ann@web1", why="new GPU driver", set_at=Timestamp(NOW - 60), until=Timestamp(NOW + 1740))
    return (
        line("embedded", "default", "closed", latency_seconds=0.8, recent=recent(0.7, 0.8, 0.9, 0.8)),
        line("lab", "gpu1", "open", opens=1, retry_at=Timestamp(NOW + 42), cause=refused, recent=recent(1.2, 1.4, -0.1, -0.1)),
        line("lab", "gpu2", "open", override=drain),
        line("openai", "team-a", "half_open", lease=lease, cause=unpaid, opens=2),
        line(
            "claude",
            "team-a",
            "closed",
            failures=(WeightedFailure(Timestamp(NOW - 30), 1.0), WeightedFailure(Timestamp(NOW - 5), 0.5)),
            latency_seconds=2.3,
            recent=recent(2.0, 2.4, -4.0, 2.2, 2.6),
        ),
    )


def denials() -> tuple[Denial, ...]:
    """One model that a failure took out of use."""
    key = ModelKey("openai", "team-a", "gpt-9-preview")
    until = Timestamp(NOW + 2400)
    return (Denial(key=key, why="model_unavailable: no such model", who="llmesc", set_at=Timestamp(NOW - 1200), until=until),)


def board(*tapes: Tape, **fields: Any) -> Board:
    """A board of these runs, the newest first."""
    return Board(
        now=NOW,
        runs=tuple(tape.summary for tape in tapes),
        views={tape.run_id: tape.view for tape in tapes},
        timelines={
            tape.run_id: tuple(event for event in tape.events if not isinstance(event, TextDelta | ThinkingDelta))
            for tape in tapes
        },
        **{"circuits": circuits(), "store": StoreState(place="sqlite"), "today": TODAY, **fields},
    )


TODAY = DayTotals(
    since=Timestamp(NOW - 57_852),
    requests=128,
    answered=121,
    failed=6,
    input_tokens=52_100,
    output_tokens=91_440,
    cost=Decimal("0.42"),
)


class Still:
    """A feed that stands still."""

    def __init__(self, shown: Board) -> None:
        self.version = 1
        self.shown = shown
        self.chosen: str | None = None
        self.asked: list[tuple[Request, AskOptions]] = []
        self.cancelled: list[str] = []

    def board(self, now: Timestamp) -> Board:
        """Always the same."""
        return self.shown

    def show(self, shown: Board) -> None:
        """From now on another board."""
        self.shown = shown
        self.version += 1

    def choose(self, run_id: str | None) -> None:
        """Remembered, for tests to look at."""
        self.chosen = run_id

    async def events(self, run_id: str) -> Sequence[Event]:
        """What the board has of them."""
        return self.shown.timelines.get(run_id, ())

    def start(self, request: Request, options: AskOptions, on_error: Callable[[Exception], None]) -> str:
        """Remembered, for tests to look at."""
        self.asked.append((request, options))
        return f"asked{len(self.asked)}"

    def cancel(self, run_id: str) -> bool:
        """Remembered, for tests to look at."""
        self.cancelled.append(run_id)
        return True

    async def run(self) -> None:
        """Nothing ever comes."""
        await asyncio.Event().wait()
