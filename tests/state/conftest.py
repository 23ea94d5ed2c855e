"""A clock that is set by hand, stores over it, and the events of runs that never happened."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from llmesc.escalation.circuits import Cause, Circuit, CircuitPolicy, Failed, Succeeded
from llmesc.escalation.events import (
    Answer,
    AnswerRange,
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    Chain,
    Event,
    JudgeCall,
    JudgeTotals,
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
from llmesc.escalation.ports import Denial
from llmesc.escalation.redis_url import parse_redis_url
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Price, Resolution, Tier
from llmesc.escalation.times import Timestamp
from llmesc.state.memory import MemoryStore
from llmesc.state.redis import RedisStore
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import Store
from tests.redis_server import RedisServer

JUDGE_COST = Decimal("0.0005")


@dataclass
class HandClock:
    """Wall and monotonic time, moved by the test alone."""

    seconds: float = 1_700_000_000.0

    def now(self) -> Timestamp:
        return Timestamp(self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Story:
    """The events of one run, in order."""

    run_id: str
    clock: HandClock
    events: list[Event] = field(default_factory=list)

    def _add(self, make: Callable[..., Event], **more: Any) -> Story:
        at = self.clock.now()
        self.events.append(make(run_id=self.run_id, seq=len(self.events), at=at, elapsed_ms=0.0, **more))
        return self

    def start(self, prompt: str = "What is Raft?", caller: dict[str, str] | None = None) -> Story:
        chain = Chain(name="default", candidates=(resolution("lab/qwen"),))
        return self._add(RunStarted, request=ask_for(prompt), chain=chain, limits=Limits(), caller=caller or {"user": "ann"})

    def attempt(self, ref: str = "lab/qwen", number: int = 1) -> Story:
        attempt_id = f"{self.run_id}.{number}"
        return self._add(AttemptStarted, attempt=number, attempt_id=attempt_id, resolution=resolution(ref), move=Move.PRIMARY)

    def text(self, text: str = "Raft is", number: int = 1) -> Story:
        return self._add(TextDelta, attempt=number, text=text)

    def fail(self, ref: str = "lab/qwen", number: int = 1) -> Story:
        failure = Failure(kind=FailureKind.OVERLOADED, rule="status.503", message="at capacity", status=503)
        self._add(ProviderFailed, attempt=number, resolution=resolution(ref), failure=failure)
        return self.end_attempt(ref, number, AttemptOutcome.ERROR)

    def end_attempt(
        self,
        ref: str = "lab/qwen",
        number: int = 1,
        outcome: AttemptOutcome = AttemptOutcome.SUCCESS,
        duration_seconds: float = 1.5,
        lost_to: int | None = None,
        cost: Decimal | None = Decimal("0.0031"),
        unfinished_judge: JudgeCall | None = None,
    ) -> Story:
        return self._add(
            AttemptFinished,
            attempt=number,
            resolution=resolution(ref),
            outcome=outcome,
            usage=Usage(input_tokens=5, output_tokens=7),
            cost=cost,
            cost_estimated=False,
            first_token_seconds=0.5,
            duration_seconds=duration_seconds,
            characters=7,
            lost_to=lost_to,
            unfinished_judge=unfinished_judge,
        )

    def judged(self, number: int = 1, *, by: str = "big/judge", cost: Decimal | None = JUDGE_COST, **more: Any) -> Story:
        judge = judge_call(by, cost, **more)
        return self._add(QualityChecked, attempt=number, score=90, threshold=50, passed=True, reasons=(), judge=judge)

    def priced(self, cost: Decimal, number: int = 1) -> Story:
        price = Price(input_per_million=Decimal(1), output_per_million=Decimal(5), source="a list")
        return self._add(AttemptPriced, attempt=number, cost=cost, price=price)

    def finish(
        self,
        outcome: RunOutcome = RunOutcome.ANSWERED,
        ref: str = "lab/qwen",
        attempts: int = 1,
        cost: Decimal | None = Decimal("0.0031"),
        judge: JudgeTotals | None = None,
    ) -> Story:
        answer = Answer(text="Raft is", attempt=1, resolution=resolution(ref), ranges=(AnswerRange(attempt=1, start=0, end=7),))
        usage = Usage(input_tokens=12, output_tokens=34)
        totals = Totals(attempts=attempts, skipped=0, usage=usage, cost=cost, duration_seconds=1.5, judge=judge)
        return self._add(RunFinished, outcome=outcome, answer=answer if outcome is RunOutcome.ANSWERED else None, totals=totals)


def judge_call(ref: str = "big/judge", cost: Decimal | None = JUDGE_COST, **more: Any) -> JudgeCall:
    used = Usage(input_tokens=161, output_tokens=4)
    return JudgeCall(resolution=resolution(ref), usage=used, cost=cost, duration_seconds=0.2, **more)


def resolution(ref: str) -> Resolution:
    who, _, model = ref.partition("/")
    key = CircuitKey.parse(who)
    return Resolution(
        tier=Tier.VLLM, provider=key.provider, instance=key.instance, model=model, offering=Offering(offering_id=ref)
    )


KINDS = ("memory", "sqlite", "redis", "cluster")


@dataclass
class Kit:
    """What the tests of this room share, since they cannot import each other."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    kind: str = "sqlite"
    url: str = ""
    """Of the Redis, and of keys that no other test has there."""

    @property
    def path(self) -> Path:
        return self.folder / "state.db"

    def parts(self) -> dict[str, Any]:
        tokens = itertools.count(1)
        return {
            "clock": self.clock,
            "policy": self.policy,
            "holder": "host:1",
            "random": lambda: 0.0,
            "new_token": lambda: f"{os.getpid()}-{id(tokens):x}-{next(tokens)}",
        }

    async def open(self, **more: Any) -> SqliteStore:
        store = SqliteStore(more.pop("path", self.path), **self.parts(), **more)
        await store.open()
        return store

    def memory(self) -> MemoryStore:
        return MemoryStore(**self.parts())

    async def redis(self, url: str | None = None) -> RedisStore:
        store = RedisStore(parse_redis_url(url or self.url), **self.parts(), server_time=False)
        await store.open()
        return store

    async def store(self) -> Store:
        if self.kind == "memory":
            return self.memory()
        return await self.open() if self.kind == "sqlite" else await self.redis()

    def story(self, run_id: str = "7f3a") -> Story:
        return Story(run_id, self.clock)

    def answered(self, run_id: str = "7f3a", prompt: str = "What is Raft?", ref: str = "lab/qwen") -> Sequence[Event]:
        return self.story(run_id).start(prompt).attempt(ref).text().end_attempt(ref).finish(ref=ref).events

    def failed(self, generation: int = 0, **more: Any) -> Failed:
        cause = Cause(kind="server_error", message="503", at=self.clock.now())
        return Failed(**{"generation": generation, "weight": 1.0, "cause": cause, **more})

    def succeeded(self, generation: int = 0, **more: Any) -> Succeeded:
        return Succeeded(**{"generation": generation, "latency_seconds": 1.0, **more})

    def denial(self, ref: str, for_seconds: float | None = None, why: str = "retired") -> Denial:
        target = resolution(ref)
        until = None if for_seconds is None else Timestamp(self.clock.now() + for_seconds)
        key = ModelKey(target.provider, target.instance, target.model)
        return Denial(key=key, why=why, who="ann", set_at=self.clock.now(), until=until)

    def judge(self, **more: Any) -> JudgeCall:
        return judge_call(**more)

    async def circuit(self, store: Store, key: CircuitKey) -> Circuit:
        return (await store.circuits([key])).get(key, Circuit())


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(folder=tmp_path / "state")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests that do it no harm."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """As `redis_server`; it refuses whatever touches two slots at once."""
    server = RedisServer(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes").start()
    server.be_a_cluster()
    yield server
    server.stop()


@pytest.fixture
def redis_with(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a server of the test's own, with settings."""
    started: list[RedisServer] = []

    def start(*settings: str, sentinel: str = "") -> RedisServer:
        server = RedisServer(tmp_path / f"redis-{len(started)}", *settings, sentinel=sentinel)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Of keys that no other test has."""
    return f"{redis_server.url}&prefix=t{next(_prefixes)}"


_prefixes = itertools.count()


@pytest.fixture(params=KINDS)
async def store(kit: Kit, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each kind of store in turn, made by `kit` and over its clock."""
    kit.kind = cast("str", request.param)
    if kit.kind == "redis":
        kit.url = request.getfixturevalue("redis_url")
    if kit.kind == "cluster":
        server = request.getfixturevalue("cluster_server")
        kit.url = f"redis://127.0.0.1:{server.port}?cluster=true&timeout=10s&prefix=t{next(_prefixes)}"
    store = await kit.store()
    yield store
    await store.aclose()


@pytest.fixture
async def sqlite(kit: Kit) -> AsyncIterator[SqliteStore]:
    store = await kit.open()
    yield store
    await store.aclose()
