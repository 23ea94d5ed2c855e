"""What a store tells of past runs: the same from every store, in pages, without what the query does not want."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llmesc.escalation.codec import encode_event
from llmesc.escalation.events import AttemptOutcome, QualityChecked, ToolCallFinished
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.times import Timestamp
from llmesc.state import redis_past, sqlite_past
from llmesc.state.past import PastQuery, PastReader, PastRun
from llmesc.state.store import Store

pytestmark = pytest.mark.anyio

BEGAN = 1_700_000_000.0
ALL = PastQuery(since=Timestamp(0), until=Timestamp(BEGAN + 86_400))

LAB, GPT = ModelKey("lab", "default", "qwen"), ModelKey("openai", "a", "gpt")


async def past(store: Store, query: PastQuery = ALL) -> list[PastRun]:
    found, rest = list[PastRun](), ""
    while True:
        runs, rest = await store.past(query, rest)
        found += runs
        if not rest:
            return found


def switched(kit: Any, run_id: str, number: int = 0) -> Any:
    kit.clock.seconds = BEGAN + number
    story = kit.story(run_id).start("What is Raft?", {"user": "ann", "name": f"caller-{number % 2}"})
    return story.attempt().fail().attempt("openai@a/gpt", 2).end_attempt("openai@a/gpt", 2).finish(ref="openai@a/gpt", attempts=2)


async def test_a_run_has_its_calls_and_what_came_of_them(store: Store, kit: Any) -> None:
    await store.append(switched(kit, "one").events)

    (run,) = await past(store)

    assert (run.run_id, run.began, run.outcome, run.answered_by) == ("one", BEGAN, "answered", GPT)
    assert (run.chain.name, run.limits.max_attempts, run.caller) == ("default", 3, "caller-0")
    assert (run.cost, run.prompt_tokens) == (Decimal("0.0031"), 11)
    failed, answered = run.calls
    assert failed.failure is not None
    assert (failed.key, failed.outcome, failed.failure.kind, failed.failure.status) == (LAB, "error", FailureKind.OVERLOADED, 503)
    assert (answered.key, answered.seconds, answered.first_token_seconds, answered.cost) == (GPT, 1.5, 0.5, Decimal("0.0031"))


async def test_all_pages_together_have_each_run_once_the_newest_first(
    store: Store, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_past, "PAGE_RUNS", 3)
    monkeypatch.setattr(redis_past, "_PAGE_RUNS", 3)
    for number in range(7):
        await store.append(switched(kit, f"run-{number}", number // 2).events)  # some begin in the same microsecond

    found = [run.run_id for run in await past(store)]

    assert sorted(found) == [f"run-{number}" for number in range(7)]
    assert [int(run_id[-1]) // 2 for run_id in found] == [3, 2, 2, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"since": BEGAN + 1}, ["run-2", "run-1"]),
        ({"until": BEGAN + 1}, ["run-0"]),
        ({"caller": "caller-1"}, ["run-1"]),
        ({"chain": "default"}, ["run-2", "run-1", "run-0"]),
        ({"chain": "other"}, []),
        ({"provider": "openai"}, ["run-2", "run-1", "run-0"]),
        ({"provider": "nobody"}, []),
    ],
    ids=str,
)
async def test_only_what_is_asked_for(store: Store, kit: Any, wanted: dict[str, Any], found: list[str]) -> None:
    for number in range(3):
        await store.append(switched(kit, f"run-{number}", number).events)

    assert [run.run_id for run in await past(store, replace(ALL, **wanted))] == found


async def test_a_run_without_an_end_has_none(store: Store, kit: Any) -> None:
    kit.clock.seconds = BEGAN
    await store.append(kit.story("open").start().attempt().text().events)

    (run,) = await past(store)

    assert (run.outcome, run.seconds, run.calls) == (None, None, ())


def read(events: Any) -> PastRun:
    run = PastReader().run(encode_event(event) for event in events)
    assert run is not None
    return run


def test_a_cost_that_was_found_later_counts(kit: Any) -> None:
    story = kit.story().start().attempt().end_attempt(cost=None).priced(Decimal("0.0042")).finish()

    assert read(story.events).calls[0].cost == Decimal("0.0042")


def test_rounds_of_tools_are_one_turn_of_their_candidate(kit: Any) -> None:
    story = kit.story().start().attempt().end_attempt()
    result = {"attempt": 1, "call_id": "c1", "name": "look", "result": "42", "is_error": False, "duration_seconds": 0.1}
    story = story._add(ToolCallFinished, **result).attempt("lab/qwen", 2).end_attempt("lab/qwen", 2).finish(attempts=2)

    (call,) = read(story.events).calls

    assert (call.key, call.calls, call.cost, call.usage.output_tokens) == (LAB, 2, Decimal("0.0062"), 14)


def test_a_hedge_that_was_slower_stands_beside_the_call_that_it_hedged(kit: Any) -> None:
    story = kit.story().start().attempt().attempt("openai@a/gpt", 2)
    story.events[-1] = replace(story.events[-1], hedges=1)
    story = story.end_attempt("openai@a/gpt", 2, AttemptOutcome.CANCELLED, lost_to=1).end_attempt().finish(attempts=2)

    (call,) = read(story.events).calls

    assert (call.key, call.outcome, call.hedged_away, call.beside) == (LAB, "success", False, ((GPT, Decimal("0.0031")),))


def test_a_score_is_of_its_attempt(kit: Any) -> None:
    story = kit.story().start().attempt()
    story = story._add(QualityChecked, attempt=1, score=40, threshold=50, passed=False, reasons=("refusal -60: no",))
    story = story.end_attempt(outcome=AttemptOutcome.QUALITY_FAILURE).finish()

    assert read(story.events).calls[0].score == 40


def test_events_of_types_that_nobody_knows_are_passed_over(kit: Any) -> None:
    events = [encode_event(event) for event in kit.story().start().attempt().end_attempt().finish().events]
    events.insert(2, {**events[1], "type": "of_a_newer_llmesc"})

    run = PastReader().run(events)

    assert run is not None
    assert len(run.calls) == 1
