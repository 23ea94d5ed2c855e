"""A run beside today: what differs is told with its cause, and what only the run's own failures did is no difference."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.engine import Plan, Planned
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import CandidateSkipped, Chain, Move, Rejected
from llmesc.escalation.fold import RunView
from llmesc.escalation.resolution import Price, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.story.explain import Compared, Explanation, explain
from tests.dashboard import scenes

CANDIDATES = scenes.CHAIN.candidates
ANSWERED = scenes.answered().view
LATER = Timestamp(scenes.NOW + 60)


def planned(who: Resolution, skip: Any = None, detail: str = "", retry_at: Timestamp | None = None) -> Planned:
    state = "open" if skip == "circuit_open" else "closed"
    more = {"detail": detail, "retry_at": retry_at}
    return Planned(resolution=who, move=Move.PRIMARY, circuit=Circuit(), circuit_state=state, skip=skip, **more)


def plan(*candidates: Planned, rejected: tuple[Rejected, ...] = ()) -> Plan:
    chain = Chain(name="default", candidates=tuple(each.resolution for each in candidates), rejected=rejected)
    return Plan(chain=chain, candidates=candidates, estimated_tokens=9, max_attempts=3)


def then(reason: Any, detail: str = "", who: Resolution = scenes.EMBEDDED) -> RunView:
    """The answered run, but that one was passed over for that reason."""
    skip = CandidateSkipped(run_id="r", seq=1, at=scenes.NOW, elapsed_ms=1.0, resolution=who, reason=reason, detail=detail)
    attempts = tuple(attempt for attempt in ANSWERED.attempts if attempt.resolution != who)
    return replace(ANSWERED, attempts=attempts, skipped=(skip,))


def compared(view: RunView, today: Plan | None, offered: Any = tuple(each.ref for each in CANDIDATES)) -> Explanation:
    return explain(view, today, offered, scenes.NOW)


def why(one: Compared) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in one.differences]


ALL = plan(*map(planned, CANDIDATES))


def test_where_nothing_stands_otherwise_nothing_differs() -> None:
    found = compared(ANSWERED, ALL)

    assert not found.differ
    assert found.first_now == "embedded/smollm2-135m"
    assert [(one.then, one.then_reason, one.now) for one in found.candidates] == [
        ("called", "quality_failure", "call"),
        ("called", "error", "call"),
        ("called", "success", "call"),
    ]
    assert found.candidates[1].then_text.startswith("called: ✗ error, overloaded (503, status.503)")


def test_who_was_not_reached_and_would_be_called_is_no_difference() -> None:
    view = replace(ANSWERED, attempts=ANSWERED.attempts[:1])

    found = compared(view, ALL)

    assert [one.then for one in found.candidates] == ["called", "not_reached", "not_reached"]
    assert not found.differ


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("circuit_open", "circuit"),
        ("forced_open", "circuit"),
        ("probe_elsewhere", "circuit"),
        ("denied", "denied"),
        ("not_allowed", "configuration"),
        ("privacy", "configuration"),
        ("no_credentials", "credentials"),
        ("context_too_small", "window"),
        ("missing_capability", "capability"),
        ("unsupported", "capability"),
        ("over_budget", "price"),
        ("no_time", "limits"),
        ("retry_budget", "limits"),
    ],
)
def test_what_stood_in_the_way_then_or_stands_there_now_is_the_cause(reason: Any, kind: str) -> None:
    gone = compared(then(reason), ALL).candidates[0]
    others = map(planned, CANDIDATES[1:])
    came = compared(ANSWERED, plan(planned(scenes.EMBEDDED, reason, "the detail", LATER), *others)).candidates[0]
    still = compared(then(reason), plan(planned(scenes.EMBEDDED, reason), *map(planned, CANDIDATES[1:]))).candidates[0]

    assert [each.kind for each in gone.differences] == [kind]
    assert "now" in gone.differences[0].text and "then" in gone.differences[0].text
    assert [each.kind for each in came.differences] == [kind]
    assert came.differences[0].text.endswith("(the detail)")
    assert (came.now, came.now_reason, came.retry_at) == ("skip", reason, LATER)
    assert "may be tried at" in came.now_text
    assert still.differences == ()


@pytest.mark.parametrize("reason", ["same_endpoint", "same_model", "max_attempts", "single_call"])
def test_what_only_came_of_the_other_attempts_is_no_difference(reason: Any) -> None:
    assert not compared(then(reason), ALL).differ
    assert not compared(ANSWERED, plan(*map(planned, CANDIDATES[:2]), planned(scenes.CLAUDE, "max_attempts"))).differ


def test_one_that_is_rejected_before_anybody_is_called_says_so() -> None:
    denied = Rejected(resolution=scenes.CLAUDE, reason="denied", detail="ann: retired", retry_at=LATER)

    found = compared(ANSWERED, plan(*map(planned, CANDIDATES[:2]), rejected=(denied,))).candidates[2]

    assert (found.now, found.now_reason) == ("reject", "denied")
    assert why(found) == [("denied", "it is denied now (ann: retired)")]


def test_what_is_no_longer_there_and_what_is_new() -> None:
    new = replace(scenes.LAB, model="other")
    today = plan(planned(scenes.EMBEDDED), planned(new))

    found = {one.ref: one for one in compared(ANSWERED, today, ["embedded/smollm2-135m", new.ref, scenes.LAB.ref]).candidates}

    assert why(found[scenes.LAB.ref]) == [("configuration", "it is no longer in the chain")]
    assert why(found[scenes.CLAUDE.ref]) == [("configuration", "it is no longer configured")]
    assert found[scenes.CLAUDE.ref].now_text == "not configured"
    assert (found[new.ref].then, why(found[new.ref])) == ("absent", [("configuration", "it was not in the chain then")])


def test_a_chain_that_is_no_more_leaves_what_was() -> None:
    found = compared(ANSWERED, None)

    assert (found.chain_gone, found.differ, found.first_now) == (True, True, None)
    assert [one.now for one in found.candidates] == ["absent"] * 3


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"context_window": 8192}, "window", "its window was ? tokens, and is 8,192"),
        ({"capabilities": frozenset({"tools", "json"})}, "capability", "its capabilities were not known, and are json, tools"),
        (
            {"price": Price(input_per_million=Decimal("5.00"), output_per_million=Decimal(20))},
            "price",
            "its price was $3 in, $15 out, and is $5 in, $20 out",
        ),
    ],
)
def test_an_offering_that_is_another_one_says_in_what(changes: dict[str, Any], kind: str, text: str) -> None:
    other = replace(scenes.CLAUDE, offering=replace(scenes.CLAUDE.offering, **changes))

    found = compared(ANSWERED, plan(*map(planned, CANDIDATES[:2]), planned(other))).candidates[2]

    assert why(found) == [(kind, text)]


def test_a_price_that_was_not_on_record_is_no_difference() -> None:
    free = replace(scenes.CLAUDE, offering=replace(scenes.CLAUDE.offering, price=None))
    assert ANSWERED.attempts[2].resolution == scenes.CLAUDE
    attempts = (*ANSWERED.attempts[:2], replace(ANSWERED.attempts[2], resolution=free))

    assert not compared(replace(ANSWERED, attempts=attempts), ALL).differ


def test_one_that_was_put_in_front_is_the_only_one_that_moved() -> None:
    today = plan(*map(planned, (CANDIDATES[2], CANDIDATES[0], CANDIDATES[1])))

    moved = [one.ref for one in compared(ANSWERED, today).candidates if one.differences]

    assert moved in ([CANDIDATES[2].ref], [CANDIDATES[0].ref, CANDIDATES[1].ref])


@settings(deadline=None)
@given(order=st.permutations(CANDIDATES))
def test_every_candidate_is_told_once_whatever_the_order(order: list[Resolution]) -> None:
    found = compared(ANSWERED, plan(*map(planned, order)))

    assert [one.ref for one in found.candidates] == [each.ref for each in order]
    assert found.differ == (order != list(CANDIDATES))
