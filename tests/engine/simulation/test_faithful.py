"""A play of a record under the policy that made it is that record: real runs on a virtual clock, one after the other and side by
side, with failures, waits, circuits, shares of the time and budgets of retries, are played from their events alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.outcomes import Outcomes
from llmesc.engine.simulation.play import play
from llmesc.engine.simulation.rules import Played, Rules
from llmesc.engine.simulation.sums import as_recorded
from llmesc.escalation.chain import ChainRequest, build_chain
from llmesc.escalation.circuits import Circuit, CircuitPolicy
from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import AttemptFinished, Chain, Event
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.latency import REMEMBERED_CALLS
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Finish, UsagePiece
from llmesc.escalation.quality import Draft, Verdict
from llmesc.escalation.resolution import Offering, Price, Resolution, Tier
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.state.denials import in_force
from llmesc.state.past import PastReader, PastRun
from llmesc.state.projection import latency_of
from tests.escalation.world import (
    LoopClock,
    MemoryHealth,
    Say,
    Scripted,
    Silence,
    Step,
    VirtualLoop,
    World,
    candidate,
    failing,
    run_virtually,
)


@dataclass
class Learning(MemoryHealth):
    """Also knows how fast models were, as stores do."""

    async def consume(self, event: Event) -> None:
        if isinstance(event, AttemptFinished) and (taught := latency_of(event)) is not None:
            calls = self.fast.setdefault(event.resolution.model_key, deque(maxlen=REMEMBERED_CALLS))
            calls.appendleft(taught)


@dataclass
class Scored(World):
    """An answer's last word is its score."""

    async def _judge(self, draft: Draft, _money: JudgePurse) -> Verdict:
        if self.judging_seconds:
            await asyncio.sleep(self.judging_seconds)
        return Verdict(score=int(draft.text.split()[-1]))


@dataclass
class Day:
    """Some runs over the same candidates, which begin one after the other."""

    candidates: Sequence[Resolution]
    scripts: dict[str, list[list[Step]]]
    """By candidate: one script for each call, over all runs, and then from the beginning."""
    limits: list[Limits]
    """Of each run."""
    gaps_seconds: list[float]
    """Between their beginnings."""
    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    judging_seconds: float = 0.0

    def live(self) -> tuple[list[PastRun], dict[Any, Circuit]]:
        """They really run; what their events say, and the circuits afterwards."""
        return run_virtually(self._live)

    async def _live(self, loop: VirtualLoop) -> tuple[list[PastRun], dict[Any, Circuit]]:
        health = Learning(LoopClock(loop), policy=self.policy)
        providers = {ref: Scripted(again_and_again(scripts)) for ref, scripts in self.scripts.items()}
        worlds = []

        async def one(world: World) -> None:
            async with world.run(loop) as run:
                async for _ in run:
                    pass

        async with asyncio.TaskGroup() as group:
            for limits, gap in zip(self.limits, self.gaps_seconds, strict=True):
                await asyncio.sleep(gap)
                world = Scored(
                    chain=chain_of(self.candidates, health),
                    providers=providers,
                    limits=limits,
                    health=health,
                    extra_consumers=(health,),
                    judging_seconds=self.judging_seconds,
                )
                worlds.append(world)
                group.create_task(one(world))
        reader = PastReader()
        runs = [
            reader.run({**encode_event(event), "run_id": f"r{number}"} for event in world.events)
            for number, world in enumerate(worlds)
        ]
        return [run for run in runs if run is not None], health.known


def chain_of(candidates: Sequence[Resolution], health: MemoryHealth) -> Chain:
    """Without those that a failure has denied, as an engine would build it now."""
    denials = in_force(health.denied, health.clock.now())
    references = tuple(each.ref for each in candidates)
    return build_chain(candidates, ChainRequest(references=references, denials=denials))


def played(runs: Sequence[PastRun], policy: CircuitPolicy, **limits: Any) -> tuple[list[Played], Health]:
    """A play of `runs` with the limits that they had, but for `limits`."""
    health = Health(policy, lambda: 0.0)

    def rules(run: PastRun) -> Rules:
        return Rules(chain=run.chain, limits=replace(run.limits, **limits), timeouts={}, facts={})

    playing = play(runs, rules, Outcomes(runs, seed=0), health)
    while True:
        try:
            next(playing)
        except StopIteration as done:
            return done.value, health


def told(run: Played) -> tuple[Any, ...]:
    """All of it; times are added up in another order, and differ in their last digits."""
    calls = [(call.key, call.source, call.cost, call.calls) for call in run.calls]
    return run.outcome, run.answered_by, pytest.approx(run.seconds, abs=0.000_1), calls


def known(circuits: dict[Any, Circuit]) -> dict[Any, Any]:
    """But for words, and the last digits of moments."""
    return {
        key: (
            circuit.state,
            circuit.generation,
            circuit.opens,
            len(circuit.failures),
            pytest.approx(circuit.retry_at or 0.0, abs=0.001, rel=0),
            [pytest.approx(recent.at, abs=0.001, rel=0) for recent in circuit.recent],
            [recent.ok for recent in circuit.recent],
        )
        for key, circuit in circuits.items()
        if circuit != Circuit()
    }


ENOUGH = settings(max_examples=300, deadline=None)

TIERS = {
    "a/m": Tier.LOCAL,
    "b@one/m": Tier.VLLM,
    "b@two/m": Tier.VLLM,
    "c/m": Tier.CLOUD,
    "c/n": Tier.CLOUD,
    "d/m": Tier.FRONTIER,
}
WINDOWS = {"a/m": 1_000, "b@one/m": None, "b@two/m": 2_000, "c/m": None, "c/n": 8_000, "d/m": None}
PRICES = {"c/m": "1", "c/n": "2", "d/m": "50"}


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    """What one call brings."""
    waits = draw(st.sampled_from([0.11, 0.37, 1.3, 4.7, 17.9, 44.3]))
    kind = draw(st.sampled_from(["answer", "answer", "weak", "fail", "late fail", "silent"]))
    if kind == "fail":
        return [Silence(waits / 10), *draw(failures())]
    if kind == "late fail":
        return [Say("It begins", after_seconds=waits), *draw(failures())]
    if kind == "silent":
        return [Silence(500.0)]
    score = draw(st.sampled_from([100, 80, 55])) if kind == "answer" else draw(st.sampled_from([45, 20, 0]))
    usage = UsagePiece(Usage(input_tokens=1_000, output_tokens=draw(st.sampled_from([20, 3_000]))))
    return [Say("Its score is", after_seconds=waits), Say(f" {score}", after_seconds=waits / 3), Finish("stop"), usage]


def again_and_again(scripts: Sequence[Sequence[Step]]) -> list[list[Step]]:
    """Each a little slower than the one before: where two take the same time to the last digit, luck decides in real runs."""
    return [
        [replace(step, after_seconds=step.after_seconds + number / 1_000) if isinstance(step, Say) else step for step in script]
        for number, script in zip(range(60), cycle(scripts), strict=False)
    ]


@st.composite
def failures(draw: st.DrawFn) -> list[Step]:
    kinds = [kind for kind in FailureKind if kind not in ("client_gone", "privacy", "model_not_allowed")]
    kind = draw(st.sampled_from([*kinds, FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.OVERLOADED]))
    after = draw(st.sampled_from([None, 3.1, 21.7, 400.0])) if kind is FailureKind.RATE_LIMIT else None
    status = draw(st.sampled_from([None, 503]))
    return failing(kind, retry_after_seconds=after, status=status)


@st.composite
def days(draw: st.DrawFn) -> Day:
    """Runs that overlap do not wait here: those that wait for the same end wake at the same instant, and who comes first then is
    what jitter is for.
    """
    side_by_side = draw(st.booleans())
    refs = draw(st.lists(st.sampled_from(list(TIERS)), min_size=1, max_size=5, unique=True))
    candidates = []
    for ref in refs:
        price = PRICES.get(ref)
        offering = Offering(
            offering_id=ref,
            context_window=WINDOWS[ref],
            price=None if price is None else Price(input_per_million=Decimal(price), output_per_million=Decimal(price) * 4),
        )
        endpoint = "http://one" if ref in ("a/m", "b@one/m") and draw(st.booleans()) else ""
        candidates.append(candidate(ref, TIERS[ref], offering=offering, endpoint=endpoint))
    limits = Limits(
        max_attempts=draw(st.sampled_from([3, 3, 4, 2, 1, 6])),
        deadline_seconds=draw(st.sampled_from([60.0, 60.0, 20.0, 7.0, 120.0])),
        quality_threshold=draw(st.sampled_from([50, 50, 90, 0])),
        max_cost=draw(st.sampled_from([None, None, Decimal("0.01")])),
        escalation=draw(st.sampled_from([True, True, True, False])),
        skip_open_circuits=draw(st.sampled_from([True, True, True, False])),
        wait=not side_by_side and draw(st.booleans()),
        wait_or_escalate="escalate" if side_by_side else draw(st.sampled_from(["wait", "escalate", "cheaper"])),
        all_open=draw(st.sampled_from(["fail", "try"])),
        stop_on_content_policy=draw(st.booleans()),
        retries=RetryPolicy(tokens=draw(st.sampled_from([0.0, 5.0, 100.0]))),
    )
    runs = draw(st.integers(1, 9))
    between = [0.013, 0.7, 5.3, 61.1] if side_by_side else [120.9, 377.3]
    gaps = [draw(st.sampled_from(between)) * (1 + number / 1_000) for number in range(runs)]
    return Day(
        candidates=candidates,
        scripts={ref: draw(st.lists(scripts(), min_size=1, max_size=5)) for ref in refs},
        limits=[limits] * runs,
        gaps_seconds=gaps,
        policy=CircuitPolicy(
            failure_threshold=draw(st.sampled_from([3.0, 1.0])), cooldown_seconds=draw(st.sampled_from([60.0, 9.7]))
        ),
        judging_seconds=draw(st.sampled_from([0.0, 0.0, 0.21])),
    )


class TestTheSamePolicy:
    @ENOUGH
    @given(days())
    def test_plays_the_record_again(self, day: Day) -> None:
        runs, circuits = day.live()
        record = [as_recorded(run) for run in runs]

        again, health = played(runs, day.policy)

        assert [told(run) for run in again] == [told(run) for run in record]
        assert known(health.circuits) == known(circuits)
