"""What is foreseen is what a run then does, as long as everybody who is called fails and teaches nothing about the others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.allowances import Allowances
from llmesc.escalation.budget import Budget, begins_anew
from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Lease, Override
from llmesc.escalation.events import AttemptStarted, CandidateSkipped, Waiting
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.foresight import Knowledge, Planned, foresee
from llmesc.escalation.latency import Latency
from llmesc.escalation.limits import Limits
from llmesc.escalation.ports import Fit
from llmesc.escalation.purse import Purse
from llmesc.escalation.resolution import Offering, Price, Tier
from llmesc.escalation.retry_budget import Bucket, RetryPolicy
from llmesc.escalation.times import Timestamp
from tests.escalation.world import LoopClock, MemoryHealth, VirtualLoop, World, candidate, failing, run_virtually, world

NOW = 1_700_001_000.0
"""When the virtual loop's clock begins."""


def open_for(seconds: float, kind: str = "overloaded") -> Circuit:
    cause = Cause(kind=kind, message="it was", at=Timestamp(NOW))
    retry_at = Timestamp(NOW + seconds)
    return Circuit(state=CircuitState.OPEN, generation=1, opened_at=Timestamp(NOW), retry_at=retry_at, opens=1, cause=cause)


def probed(seconds: float) -> Circuit:
    lease = Lease(token="theirs", holder="elsewhere", expires_at=Timestamp(NOW + seconds))
    return Circuit(state=CircuitState.HALF_OPEN, generation=2, lease=lease)


def forced(state: Any) -> Circuit:
    return Circuit(override=Override(state=state, who="ann", why="drill", set_at=Timestamp(NOW), until=None))


circuits = st.one_of(
    st.just(Circuit()),
    st.just(Circuit()),
    st.just(open_for(20, "rate_limit")),
    st.sampled_from([open_for(30), open_for(0), open_for(20, "rate_limit"), open_for(500, "rate_limit"), open_for(90, "auth")]),
    st.sampled_from([probed(15), probed(-1), forced("open"), forced("closed")]),
)
prices = st.sampled_from(
    [
        None,
        Price(input_per_million=Decimal(1), output_per_million=Decimal(2)),
        Price(input_per_million=Decimal(10_000), output_per_million=Decimal(90_000)),
    ]
)


seldom = st.integers(0, 9).map(lambda number: number == 9)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Chains of strangers to each other, all of whom fail when they are called."""
    refs = draw(st.lists(st.sampled_from(["a/m", "b/m", "c/m", "d/m", "e/m"]), min_size=2, max_size=5, unique=True))
    candidates = [
        candidate(ref, draw(st.sampled_from(list(Tier))), offering=Offering(offering_id=ref, price=draw(prices))) for ref in refs
    ]
    limits = Limits(
        max_attempts=draw(st.sampled_from([4, 3, 2, 1])),
        deadline_seconds=60.0,
        max_cost=Decimal("0.01") if draw(seldom) else None,
        escalation=not draw(seldom),
        skip_open_circuits=not draw(seldom),
        wait=not draw(seldom),
        wait_or_escalate=draw(st.sampled_from(["wait", "escalate", "cheaper"])),
        all_open=draw(st.sampled_from(["fail", "try"])),
        retries=RetryPolicy(tokens=draw(st.sampled_from([0.0, 10.0]))),
    )
    small = [Budget(per="provider", name=ref[0], daily=Decimal("0.001")) for ref in refs if draw(seldom)]
    budgets = (*small, Budget(per="all", monthly=Decimal(100_000), unpriced=draw(st.sampled_from(["allow", "refuse"]))))
    slow = [Latency(100.0, 120.0)] * 6
    health = MemoryHealth(
        clock=None,  # type: ignore[arg-type]  # a run brings its own
        known={each.circuit_key: draw(circuits) for each in candidates},
        fast={each.model_key: slow for each in candidates if draw(seldom)},
        buckets={"test": Bucket(draw(st.sampled_from([10.0, 7.5, 6.5, 2.0])), Timestamp(NOW))},
    )
    unfit = {ref: Fit(obstacle="no pictures there") for ref in refs if draw(seldom)}
    return world(
        *((each, [failing(FailureKind.SERVER_ERROR)]) for each in candidates),
        limits=limits,
        health=health,
        fits=unfit,
        budgets=budgets if draw(seldom) or small else (),
    )


def foreseen_in(one: World) -> tuple[Planned, ...]:
    assert one.health is not None
    purse = Purse(one.budgets, one.chain.name, one.caller, one.health, one.warnings.append)
    allowances = Allowances(one.request, one.health, lambda _: one.timeouts, purse)

    async def learn(loop: VirtualLoop) -> None:
        assert one.health is not None
        one.health.clock = LoopClock(loop)
        await allowances.learn(one.chain.candidates)

    run_virtually(learn)
    known = Knowledge(
        circuits=dict(one.health.known),
        policy=one.health.policy,
        allowances=allowances,
        fits=lambda who, _: one.fits.get(who.ref, Fit()),
        retry_tokens=one.health.buckets["test"].tokens,
        now=Timestamp(NOW),
    )
    return foresee(one.chain, one.request, one.limits, known)


@given(worlds())
@settings(max_examples=400, deadline=None)
def test_a_run_does_what_was_foreseen(one: World) -> None:
    foreseen = foreseen_in(one)
    turns = [(each.resolution.ref, each.skip or "called") for each in foreseen]
    expected = [turn for turn in turns if turn[1] not in ("single_call", "max_attempts")]
    marked = {each.resolution.ref: each.afterwards for each in foreseen if each.afterwards}

    done: list[tuple[str, str]] = []
    for event in one.play():
        match event:
            case CandidateSkipped():
                done.append((event.resolution.ref, event.reason))
            case AttemptStarted(against_circuit=True):
                assert (done, marked) == (expected, {event.resolution.ref: "try"})
                return
            case AttemptStarted():
                done.append((event.resolution.ref, "called"))
            case Waiting():
                first = "wait_first" if event.instead_of else "wait"
                assert (done, marked[event.resolution.ref]) == (expected[: len(done)], first)
                return
            case _:
                pass
    assert (done, marked) == (expected, {})


def test_what_stands_in_the_way_is_told_in_the_order_of_the_run() -> None:
    """A candidate with everything against it is passed over for the first of its reasons."""
    who = candidate(
        "a/m",
        offering=Offering(offering_id="a/m", price=Price(input_per_million=Decimal(10_000), output_per_million=Decimal(90_000))),
    )
    health = MemoryHealth(
        clock=None,  # type: ignore[arg-type]
        known={who.circuit_key: open_for(30)},
        fast={who.model_key: [Latency(100.0, 120.0)] * 6},
        buckets={"test": Bucket(10.0, Timestamp(NOW))},
    )
    one = world((who, [failing(FailureKind.SERVER_ERROR)]), health=health, fits={"a/m": Fit(obstacle="no pictures")})
    one.budgets = (Budget(per="provider", daily=Decimal("0.01")),)
    reasons = []
    for change in (
        {"limits": Limits(max_cost=Decimal("0.001"), deadline_seconds=60.0)},
        {"limits": Limits(deadline_seconds=60.0)},
        {"limits": Limits(deadline_seconds=600.0)},
        {"budgets": ()},
        {"fits": {}},
    ):
        for name, value in change.items():
            setattr(one, name, value)
        [each] = foreseen_in(one)
        reasons.append((each.skip, each.retry_at))

    assert reasons == [
        ("over_budget", None),
        ("no_time", None),
        ("over_budget", begins_anew("day", Timestamp(NOW))),
        ("unsupported", None),
        ("circuit_open", NOW + 30),
    ]
