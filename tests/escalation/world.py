"""A loop whose time is a number, providers that follow a script, and a walk over them."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from llmesc.escalation.budget import Account, Budget, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import (
    Admission,
    Admit,
    Circuit,
    CircuitPolicy,
    Refusal,
    Signal,
    Transition,
    admission,
    next_state,
)
from llmesc.escalation.events import Chain, Event
from llmesc.escalation.executor import Executor, no_price_list
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Request, ToolCall, ToolSpec, Usage, ask_for
from llmesc.escalation.pieces import Call, Finish, Piece, TextPiece, ToolCallPiece, UsagePiece
from llmesc.escalation.ports import CredentialsMissing, Denial, Fit, PriceOf
from llmesc.escalation.quality import Draft, Verdict
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Resolution, Tier
from llmesc.escalation.retry_budget import Bucket, RetryPolicy, changed
from llmesc.escalation.run import Run
from llmesc.escalation.times import Timestamp
from llmesc.escalation.tools import Tool, Toolbox
from llmesc.state.spending import SpendingBook

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: the code under test waits for nobody")
        if not ready and timeout:
            self.loop.virtual_time += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when everybody waits for it, and then at once: no test sleeps."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        self.virtual_time = 1000.0
        super().__init__(selector)

    def time(self) -> float:
        return self.virtual_time


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


@dataclass
class LoopClock:
    """Wall and monotonic time, both the virtual loop's."""

    loop: VirtualLoop
    epoch: float = 1_700_000_000.0

    def now(self) -> Timestamp:
        return Timestamp(self.epoch + self.loop.virtual_time)

    def monotonic(self) -> float:
        return self.loop.virtual_time


@dataclass
class MemoryHealth:
    """The circuits' pure function over a dictionary, and a book of what is spent."""

    clock: LoopClock
    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    known: dict[CircuitKey, Circuit] = field(default_factory=dict)
    denied: list[Denial] = field(default_factory=list)
    signals: list[tuple[CircuitKey, Signal]] = field(default_factory=list)
    fast: dict[ModelKey, Sequence[Latency]] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    pauses: bool = False
    """Whether every call lets other tasks run, as a store behind a socket does."""
    book: SpendingBook = field(default_factory=SpendingBook)
    claims: list[Claim] = field(default_factory=list)
    looks: int = 0
    taken_meanwhile: str | None = None
    """Another process reserves so much of each account between a look and the first claim."""

    async def _pause(self) -> None:
        if self.pauses:
            await asyncio.sleep(0)

    async def circuits(self, keys: Any = None) -> dict[CircuitKey, Circuit]:
        await self._pause()
        return {key: circuit for key, circuit in self.known.items() if keys is None or key in keys}

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        token = f"token-{len(self.signals)}"
        await self.signal(key, Admit(token=token, holder="test"))
        return admission(self.known.get(key, Circuit()), key, token, self.clock.now())

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        await self._pause()
        self.signals.append((key, signal))
        after, transition = next_state(self.known.get(key, Circuit()), signal, self.clock.now(), self.policy)
        self.known[key] = after
        return transition

    async def denials(self) -> tuple[Denial, ...]:
        return tuple(self.denied)

    async def deny(self, denial: Denial) -> None:
        await self._pause()
        self.denied.append(denial)

    async def latencies(self, keys: Any) -> dict[ModelKey, Sequence[Latency]]:
        return {key: self.fast[key] for key in keys if key in self.fast}

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        bucket = self.buckets[chain] = changed(self.buckets.get(chain), change, self.clock.now(), policy)
        return bucket.tokens

    async def spending(self, accounts: Any) -> dict[Account, Spent]:
        await self._pause()
        self.looks += 1
        return self.book.spent(accounts, self.clock.now())

    async def reserve(self, claim: Claim) -> Reservation | Over:
        await self._pause()
        if self.taken_meanwhile is not None:
            taken, self.taken_meanwhile = Decimal(self.taken_meanwhile), None
            others = replace(claim, run_id="another", dollars=taken, limits=dict.fromkeys(claim.limits))
            self.book.reserve(others, self.clock.now())
        self.claims.append(claim)
        return self.book.reserve(claim, self.clock.now())


@dataclass(frozen=True)
class Say:
    text: str
    after_seconds: float = 0.0


@dataclass(frozen=True)
class Silence:
    seconds: float


Step = Say | Silence | Failure | Finish | Piece


def answer(text: str = "A good answer.") -> list[Step]:
    return [Say(text), Finish("stop"), UsagePiece(Usage(input_tokens=10, output_tokens=5))]


def failing(kind: FailureKind, **fields: Any) -> list[Step]:
    return [Failure(kind=kind, rule="test", message=f"a {kind} on purpose", **fields)]


def asking(*names: str, text: str = "", call_id: str = "c") -> list[Step]:
    """An answer that asks for tools, with ids `c1`, `c2` …"""
    calls = [ToolCallPiece(f"{call_id}{number}", name, '{"n": 1}') for number, name in enumerate(names, 1)]
    return [*([Say(text)] if text else []), *calls, Finish("tool_calls")]


def tool(name: str, run: Callable[[Mapping[str, Any]], Awaitable[str]]) -> Tool:
    return Tool(spec=ToolSpec(name=name, description="", parameters={"type": "object"}), run=run)


@dataclass
class Bench:
    """Tools whose names say what they do, and what was run."""

    ran: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    permits: list[str] = field(default_factory=list)

    def toolbox(self, **limits: Any) -> Toolbox:
        tools = [tool(name, self._runs(name)) for name in ("look_up", "add", "slow", "broken", "leaves")]
        return Toolbox(tools=tuple(tools), **limits)

    def _runs(self, name: str) -> Callable[[Mapping[str, Any]], Awaitable[str]]:
        async def run(arguments: Mapping[str, Any]) -> str:
            self.ran.append((name, arguments))
            await asyncio.sleep(100 if name == "slow" else 0.1)
            if name == "broken":
                raise ZeroDivisionError("by zero")
            if name == "leaves":
                raise SystemExit(3)
            return f"{name} says {arguments}"

        return run

    async def refuse_add(self, call: ToolCall) -> str | None:
        await asyncio.sleep(40)  # a person thinks
        self.permits.append(call.name)
        return "not this one" if call.name == "add" else None


@dataclass
class Scripted:
    """A provider that plays one script a call, the last one for ever."""

    scripts: Sequence[Sequence[Step]]
    calls: list[Call] = field(default_factory=list)
    closed: int = 0

    async def call(self, call: Call) -> AsyncIterator[Piece]:
        self.calls.append(call)
        script = self.scripts[min(len(self.calls), len(self.scripts)) - 1]
        try:
            for step in script:
                match step:
                    case Say(text=text, after_seconds=seconds):
                        if seconds:
                            await asyncio.sleep(seconds)
                        yield TextPiece(text)
                    case Silence(seconds=seconds):
                        await asyncio.sleep(seconds)
                    case Failure():
                        raise CallFailed(step)
                    case _:
                        yield step
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        pass


def candidate(ref: str, tier: Tier = Tier.LOCAL, *, window: int | None = None, endpoint: str = "", **fields: Any) -> Resolution:
    who, model = ref.split("/", 1)
    key = CircuitKey.parse(who)
    return Resolution(
        tier=tier,
        provider=key.provider,
        instance=key.instance,
        model=model,
        endpoint=endpoint,
        **{"offering": Offering(offering_id=ref, context_window=window), **fields},
    )


@dataclass
class World:
    """A chain of scripted candidates, and what a run over it did."""

    chain: Chain
    providers: dict[str, Scripted]
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    request: Request = field(default_factory=lambda: ask_for("What is Raft?"))
    bad_answers: frozenset[str] = frozenset({"bad"})
    judging_seconds: float = 0.0
    missing_credentials: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    extra_consumers: tuple[Any, ...] = ()
    circuits: dict[CircuitKey, Circuit] = field(default_factory=dict)
    health: MemoryHealth | None = None
    pauses: bool = False
    forbidden: Any = None
    fits: dict[str, Fit] = field(default_factory=dict)
    toolbox: Toolbox | None = None
    price_of: PriceOf = no_price_list
    budgets: tuple[Budget, ...] = ()
    caller: Mapping[str, str] = field(default_factory=lambda: {"user": "test"})
    read: list[Event] = field(default_factory=list)
    """What the reader has dealt with."""

    async def consume(self, event: Event) -> None:
        if self.pauses:
            await asyncio.sleep(0)
        self.events.append(event)
        if self.health is not None:
            self.health.book.note(event)

    async def _open(self, resolution: Resolution) -> Scripted:
        if resolution.ref in self.missing_credentials:
            raise CredentialsMissing(f"{resolution.ref} has no key")
        return self.providers[resolution.ref]

    async def _judge(self, draft: Draft, _money: JudgePurse) -> Verdict:
        if self.judging_seconds:
            await asyncio.sleep(self.judging_seconds)
        good = draft.text not in self.bad_answers and (draft.text or draft.tool_calls)
        return Verdict(score=100) if good else Verdict(score=20, reasons=("refusal -80: it is bad",))

    def run(self, loop: VirtualLoop) -> Run:
        clock = LoopClock(loop)
        if self.health is None:
            self.health = MemoryHealth(clock, known=dict(self.circuits), pauses=self.pauses)
        self.health.clock = clock
        executor = Executor(
            health=self.health,
            open_provider=self._open,
            timeouts_for=lambda resolution: self.timeouts,
            clock=clock,
            random=lambda: 0.0,
            fits=lambda resolution, request: self.fits.get(resolution.ref, Fit()),
            new_consumers=lambda: (*self.extra_consumers, self),
            warn=self.warnings.append,
            price_of=self.price_of,
            budgets=self.budgets,
        )

        async def plan() -> tuple[Chain, Any]:
            return self.chain, self.forbidden

        request = self.request if self.toolbox is None else replace(self.request, tools=self.toolbox.specs)
        return executor.start(
            request, self.limits, plan, judge=self._judge, run_id="r1", caller=self.caller, toolbox=self.toolbox
        )

    def play(self) -> list[Event]:
        """Runs to the end and gives the events as the reader saw them."""

        async def main(loop: VirtualLoop) -> list[Event]:
            self.read = []
            async with self.run(loop) as run:
                async for event in run:
                    self.read.append(event)
            return self.read

        return run_virtually(main)


def world(*candidates: tuple[Resolution, Sequence[Sequence[Step]]], **fields: Any) -> World:
    """A world of (candidate, its scripts)."""
    return World(
        chain=Chain(name="test", candidates=tuple(resolution for resolution, _ in candidates)),
        providers={resolution.ref: Scripted(scripts) for resolution, scripts in candidates},
        **fields,
    )
