"""What every store does. Each test runs over each kind of store."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmesc.escalation.circuits import (
    Admission,
    Circuit,
    CircuitState,
    Overridden,
    Override,
    Refusal,
    Released,
    Reset,
    effective_state,
)
from llmesc.escalation.events import AttemptOutcome, JudgeTotals, RunOutcome
from llmesc.escalation.messages import Usage
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.status import Status
from llmesc.escalation.times import Timestamp
from llmesc.state.store import DayTotals, RunFilter, RunSummary, Store
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

KEY = CircuitKey("openai", "team-a")
OTHER = CircuitKey("openai", "team-b")
EVERYTHING = RunFilter()


class TestCircuits:
    async def test_one_that_nobody_used_is_not_there(self, store: Store) -> None:
        assert await store.circuits([KEY]) == {}
        assert await store.circuits() == {}

    async def test_asking_a_closed_one_leaves_no_trace(self, store: Store) -> None:
        assert await store.admit(KEY) == Admission(key=KEY, generation=0)
        assert await store.circuits() == {}

    async def test_only_those_asked_for_are_given(self, store: Store, kit: Any) -> None:
        await store.signal(KEY, kit.failed())
        await store.signal(OTHER, kit.succeeded())

        assert set(await store.circuits([KEY, CircuitKey("never", "used")])) == {KEY}
        assert set(await store.circuits()) == {KEY, OTHER}

    async def test_failures_open_it_and_the_transition_is_told_once(self, store: Store, kit: Any) -> None:
        transitions = [await store.signal(KEY, kit.failed()) for _ in range(4)]

        assert [bool(transition) for transition in transitions] == [False, False, True, False]
        refused = await store.admit(KEY)
        assert isinstance(refused, Refusal)
        assert refused.retry_at == kit.clock.now() + 60
        assert refused.cause is not None
        assert refused.cause.message == "503"
        assert isinstance(await store.admit(OTHER), Admission)

    async def test_one_probe_at_a_time_and_its_success_closes(self, store: Store, kit: Any) -> None:
        await store.signal(KEY, kit.failed(trip=True))
        kit.clock.seconds += 60

        probe, other = await store.admit(KEY), await store.admit(KEY)

        assert isinstance(probe, Admission)
        assert probe.token is not None
        assert isinstance(other, Refusal)
        assert other.reason == "probe_elsewhere"
        closed = await store.signal(KEY, kit.succeeded(probe.generation, token=probe.token))
        assert closed is not None
        assert closed.after is CircuitState.CLOSED
        assert await store.admit(KEY) == Admission(key=KEY, generation=3)

    async def test_a_lease_that_was_given_back_is_free_for_the_next(self, store: Store, kit: Any) -> None:
        await store.signal(KEY, kit.failed(trip=True))
        kit.clock.seconds += 60
        probe = await store.admit(KEY)
        assert isinstance(probe, Admission)
        assert probe.token is not None

        await store.signal(KEY, Released(generation=probe.generation, token=probe.token))

        assert isinstance(await store.admit(KEY), Admission)

    async def test_a_result_of_an_older_generation_changes_nothing(self, store: Store, kit: Any) -> None:
        await store.signal(KEY, kit.failed(trip=True))
        before = await kit.circuit(store, KEY)

        assert await store.signal(KEY, kit.succeeded(generation=0)) is None

        assert await kit.circuit(store, KEY) == before

    async def test_an_operator_drains_one_and_puts_it_right(self, store: Store, kit: Any) -> None:
        now = kit.clock.now()
        drain = Override(state="open", who="ann", why="drain", set_at=now, until=Timestamp(now + 600))
        await store.signal(KEY, Overridden(override=drain))

        refused = await store.admit(KEY)
        assert isinstance(refused, Refusal)
        assert (refused.reason, refused.retry_at) == ("forced_open", drain.until)
        assert (await kit.circuit(store, KEY)).override == drain

        await store.signal(KEY, Reset(who="ann", why=""))
        assert isinstance(await store.admit(KEY), Admission)
        assert await kit.circuit(store, KEY) == Circuit(generation=2)

    async def test_an_override_that_expired_is_shown_to_nobody(self, store: Store, kit: Any) -> None:
        until = Timestamp(kit.clock.now() + 600)
        drain = Override(state="open", who="ann", why="drain", set_at=kit.clock.now(), until=until)
        await store.signal(KEY, Overridden(override=drain))

        kit.clock.seconds += 600

        assert await kit.circuit(store, KEY) == Circuit(generation=1)
        assert (await store.circuits())[KEY].override is None

    async def test_an_open_one_is_not_stuck_when_the_clock_is_put_back(self, store: Store, kit: Any) -> None:
        await store.signal(KEY, kit.failed(trip=True))
        kit.clock.seconds -= 1_000_000
        assert isinstance(await store.admit(KEY), Refusal)

        kit.clock.seconds += 60

        assert effective_state(await kit.circuit(store, KEY), kit.clock.now()) is CircuitState.HALF_OPEN
        assert isinstance(await store.admit(KEY), Admission)


class TestDenials:
    async def test_they_hold_until_their_time_or_for_good(self, store: Store, kit: Any) -> None:
        await store.deny(kit.denial("lab/qwen", for_seconds=3_600))
        await store.deny(kit.denial("openai@team-a/gpt-5"))

        assert {str(denial.key) for denial in await store.denials()} == {"lab/qwen", "openai@team-a/gpt-5"}
        kit.clock.seconds += 3_600
        assert [str(denial.key) for denial in await store.denials()] == ["openai@team-a/gpt-5"]

    async def test_a_later_one_takes_the_place_of_an_earlier_one(self, store: Store, kit: Any) -> None:
        await store.deny(kit.denial("lab/qwen", for_seconds=1))
        await store.deny(kit.denial("lab/qwen", why="moved"))

        assert await store.denials() == (kit.denial("lab/qwen", why="moved"),)

    async def test_denying_one_does_not_wake_those_that_expired(self, store: Store, kit: Any) -> None:
        await store.deny(kit.denial("lab/qwen", for_seconds=1))
        kit.clock.seconds += 2
        await store.deny(kit.denial("lab/other"))

        assert [denial.key.model for denial in await store.denials()] == ["other"]
        assert [denial.key.model for denial in await store.allow("*")] == ["other"]

    @pytest.mark.parametrize(
        ("pattern", "left"),
        [
            ("lab/qwen", {"lab/*", "openai@team-a/gpt-5", "openai@team-b/gpt-5"}),
            ("openai@*/gpt-5", {"lab/*", "lab/qwen"}),
            ("lab/*", {"openai@team-a/gpt-5", "openai@team-b/gpt-5"}),
            ("gpt-5", {"lab/*", "lab/qwen", "openai@team-a/gpt-5", "openai@team-b/gpt-5"}),
            ("*", set()),
        ],
    )
    async def test_they_are_taken_back_by_name_or_glob(self, store: Store, kit: Any, pattern: str, left: set[str]) -> None:
        refs = {"lab/*", "lab/qwen", "openai@team-a/gpt-5", "openai@team-b/gpt-5"}
        for ref in sorted(refs):
            await store.deny(kit.denial(ref))

        removed = await store.allow(pattern)

        assert {str(denial.key) for denial in removed} == refs - left
        assert {str(denial.key) for denial in await store.denials()} == left


class TestRuns:
    async def test_a_run_is_listed_from_its_start_and_completed_by_its_end(self, store: Store, kit: Any) -> None:
        story = kit.story().start("What is Raft?", caller={"user": "ann", "command": "ask"}).attempt("lab/qwen")
        await store.append(story.events[:2])
        (running,) = await store.runs(EVERYTHING)
        kit.clock.seconds += 2
        await store.append(story.end_attempt("lab/qwen").finish(ref="lab/qwen").events[2:])

        assert running == RunSummary(
            run_id="7f3a",
            started_at=Timestamp(kit.clock.seconds - 2),
            finished_at=None,
            outcome="running",
            chain="default",
            prompt="What is Raft?",
            primary="lab/qwen",
            tried=("lab/qwen",),
            answered_by=None,
            attempts=1,
            cost=None,
            input_tokens=None,
            output_tokens=None,
            caller={"user": "ann", "command": "ask"},
        )
        (finished,) = await store.runs(EVERYTHING)
        assert (finished.outcome, finished.finished_at) == ("answered", kit.clock.now())
        assert (finished.answered_by, finished.cost) == ("lab/qwen", Decimal("0.0031"))
        assert (finished.input_tokens, finished.output_tokens) == (12, 34)

    async def test_a_request_of_unknown_cost_is_told_apart_from_one_that_cost_nothing(self, store: Store, kit: Any) -> None:
        since = kit.clock.now()
        await store.append(kit.story("free").start().attempt().finish(cost=Decimal(0)).events)
        await store.append(kit.story("unknown").start().attempt().finish(cost=None).events)
        await store.append(kit.story("running").start().attempt().events)

        found = await store.totals(since)
        assert (found.requests, found.cost, found.cost_unknown) == (3, 0, 1)

    async def test_a_run_names_whom_its_chain_put_first_and_all_that_were_called(self, store: Store, kit: Any) -> None:
        story = kit.story("a").start().attempt("lab/qwen").fail("lab/qwen").attempt("hosted@a/big:1", 2)
        story.fail("hosted@a/big:1", 2).attempt("hosted@a/big:1", 3).end_attempt("hosted@a/big:1", 3)
        await store.append(story.finish(ref="hosted@a/big:1", attempts=3).events)

        for where in (RunFilter(), RunFilter(provider="hosted"), RunFilter(provider="lab")):
            (run,) = await store.runs(where)
            assert (run.primary, run.tried) == ("lab/qwen", ("lab/qwen", "hosted@a/big:1"))
            assert run.answered_by == "hosted@a/big:1"

    async def test_totals_are_of_the_runs_since_a_moment(self, store: Store, kit: Any) -> None:
        await store.append(kit.story("yesterday").start().attempt().finish().events)
        kit.clock.seconds += 100
        since = kit.clock.now()
        for run_id, outcome in {"a": RunOutcome.ANSWERED, "b": RunOutcome.EXHAUSTED, "c": RunOutcome.CANCELLED}.items():
            await store.append(kit.story(run_id).start().attempt().finish(outcome).events)
            kit.clock.seconds += 1
        await store.append(kit.story("still running").start().attempt().events)

        assert await store.totals(since) == DayTotals(
            since=since, requests=4, answered=1, failed=1, input_tokens=36, output_tokens=102, cost=Decimal("0.0093")
        )

    async def test_totals_hold_what_judges_cost(self, store: Store, kit: Any) -> None:
        since, used = kit.clock.now(), Usage(input_tokens=161, output_tokens=4)
        for run_id, cost in {"a": Decimal("0.0005"), "b": None}.items():
            judge = JudgeTotals(calls=1, usage=used, cost=cost)
            await store.append(kit.story(run_id).start().attempt().finish(judge=judge).events)

        found = await store.totals(since)

        assert (found.cost, found.cost_unknown) == (Decimal("0.0067"), 1)
        assert (found.input_tokens, found.output_tokens) == (24, 68), "these are the attempts'"

    async def test_the_events_of_a_long_run_are_read_in_pages(self, store: Store, kit: Any) -> None:
        events = kit.story().start().attempt().text("a").text("b").text("c").text("d").text("e").events
        for event in events:
            await store.append([event])

        pages, last = [], -1
        while page := await store.events("7f3a", last, 3):
            pages.append([event.seq for event in page])
            last = page[-1].seq

        assert pages == [[0, 1, 2], [3, 4, 5], [6]]

    async def test_attempts_show_how_each_ended(self, store: Store, kit: Any) -> None:
        story = kit.story().start().attempt("lab/qwen").fail("lab/qwen").attempt("openai@team-a/gpt-5", 2)
        await store.append(story.events)

        failed, running = await store.attempts("7f3a")

        assert (failed.ref, failed.outcome, failed.kind, failed.duration_seconds) == ("lab/qwen", "error", "overloaded", 1.5)
        assert (running.ref, running.outcome, running.kind, running.duration_seconds) == (
            "openai@team-a/gpt-5",
            "running",
            None,
            None,
        )
        assert (running.attempt, running.tier, running.move, running.started_at) == (2, "vllm", "primary", kit.clock.now())

    async def test_a_run_of_another_host_that_fell_silent_is_interrupted(self, store: Store, kit: Any) -> None:
        caller = {"host": "elsewhere", "pid": "1"}
        await store.append(kit.story().start(caller=caller).attempt().events)

        kit.clock.seconds += 60
        assert [run.outcome for run in await store.runs(EVERYTHING)] == ["running"]
        kit.clock.seconds += 1
        assert [run.outcome for run in await store.runs(EVERYTHING)] == ["interrupted"]
        assert [attempt.outcome for attempt in await store.attempts("7f3a")] == ["interrupted"]

    async def test_every_append_is_a_sign_of_life(self, store: Store, kit: Any) -> None:
        story = kit.story().start(caller={"host": "elsewhere", "pid": "1"}).attempt()
        await store.append(story.events)
        kit.clock.seconds += 50
        await store.append(story.text().events[-1:])
        kit.clock.seconds += 50

        assert [run.outcome for run in await store.runs(EVERYTHING)] == ["running"]

    async def test_an_attempt_without_an_end_in_a_run_that_ended_is_interrupted(self, store: Store, kit: Any) -> None:
        await store.append(kit.story().start().attempt().finish(RunOutcome.CANCELLED).events)

        assert [attempt.outcome for attempt in await store.attempts("7f3a")] == ["interrupted"]

    async def test_they_come_newest_first_and_no_more_than_asked_for(self, store: Store, kit: Any) -> None:
        for number in range(5):
            kit.clock.seconds += number % 2  # some begin at the very same moment
            await store.append(kit.answered(f"run-{number}"))

        assert [run.run_id for run in await store.runs(EVERYTHING)] == [f"run-{number}" for number in (4, 3, 2, 1, 0)]
        assert [run.run_id for run in await store.runs(RunFilter(limit=2))] == ["run-4", "run-3"]

    async def test_a_run_that_is_delivered_late_takes_the_place_of_its_start(self, store: Store, kit: Any) -> None:
        late = kit.answered("late")
        kit.clock.seconds += 10
        await store.append(kit.answered("early"))
        await store.append(late)

        assert [run.run_id for run in await store.runs(EVERYTHING)] == ["early", "late"]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (RunFilter(), ["elsewhere", "running", "umlaut", "exhausted", "answered"]),
            (RunFilter(outcome="answered"), ["umlaut", "answered"]),
            (RunFilter(outcome="exhausted"), ["exhausted"]),
            (RunFilter(outcome="running"), ["elsewhere", "running"]),
            (RunFilter(outcome="interrupted"), []),
            (RunFilter(provider="openai"), ["exhausted"]),
            (RunFilter(provider="lab"), ["elsewhere", "running", "umlaut", "exhausted", "answered"]),
            (RunFilter(provider="la"), []),
            (RunFilter(since=Timestamp(1_700_000_020.0)), ["elsewhere", "running", "umlaut"]),
            (RunFilter(until=Timestamp(1_700_000_010.0)), ["exhausted", "answered"]),
            (RunFilter(since=Timestamp(1_700_000_010.0), until=Timestamp(1_700_000_010.0)), ["exhausted"]),
            (RunFilter(text="RAFT"), ["exhausted", "answered"]),
            (RunFilter(text="ärger"), ["umlaut"]),
            (RunFilter(text="100%_"), ["umlaut"]),
            (RunFilter(provider="lab", outcome="answered", since=Timestamp(1_700_000_010.0), text="r"), ["umlaut"]),
            (RunFilter(provider="lab", limit=2), ["elsewhere", "running"]),
            (RunFilter(outcome="running", limit=1), ["elsewhere"]),
            (RunFilter(caller="ann"), ["umlaut", "exhausted", "answered"]),
            (RunFilter(caller="far"), ["elsewhere"]),
            (RunFilter(caller="billing"), ["running"]),
            (RunFilter(caller="bob@near"), []),
            (RunFilter(conversation="c-17"), ["running"]),
            (RunFilter(conversation="x-1"), []),
            (RunFilter(correlation="x-1", provider="lab", caller="billing", outcome="running"), ["running"]),
            (RunFilter(correlation="\udcff"), []),
        ],
        ids=str,
    )
    async def test_they_are_filtered(self, store: Store, kit: Any, where: RunFilter, expected: list[str]) -> None:
        await store.append(kit.answered("answered", "What is raft?"))
        kit.clock.seconds += 10
        exhausted = kit.story("exhausted").start("Explain Raft").attempt("lab/qwen").fail("lab/qwen")
        exhausted.attempt("openai@a/gpt", 2).fail("openai@a/gpt", 2).attempt("openai@b/gpt", 3).fail("openai@b/gpt", 3)
        await store.append(exhausted.finish(RunOutcome.EXHAUSTED, attempts=3).events)
        kit.clock.seconds += 10
        await store.append(kit.answered("umlaut", "ÄRGER mit 100%_igem \udcff Text"))
        given = {"name": "billing", "conversation": "c-17", "correlation": "x-1", "user": "bob", "host": "near"}
        await store.append(kit.story("running").start("", caller=given).attempt("lab/qwen").events)
        await store.append(kit.story("elsewhere").start("", caller={"host": "far", "pid": "1"}).attempt("lab/qwen").events)

        assert [run.run_id for run in await store.runs(where)] == expected

    @pytest.mark.parametrize(
        ("words", "more", "expected"),
        [
            ("success", {}, ["limited", "answered"]),
            ("escalation_exhausted", {}, ["weak", "down"]),
            ("cancelled", {}, ["cancelled"]),
            ("no_available_provider", {}, ["nobody"]),
            ("error", {}, ["killed", "late"]),
            ("rate_limited", {}, ["limited"]),
            ("provider_down", {}, ["running", "down"]),
            ("auth_failed", {}, []),
            ("provider_error", {}, []),
            ("context_overflow", {}, []),
            ("rate_limited provider_down cancelled", {}, ["running", "cancelled", "limited", "down"]),
            ("error provider_down", {}, ["running", "killed", "late", "down"]),
            ("success", {"provider": "openai"}, ["limited"]),
            ("success", {"limit": 1}, ["limited"]),
            ("escalation_exhausted", {"outcome": "below_bar"}, ["weak"]),
            ("escalation_exhausted", {"outcome": "answered"}, []),
        ],
        ids=str,
    )
    async def test_they_are_filtered_by_the_words_of_audits(
        self, store: Store, kit: Any, words: str, more: dict[str, Any], expected: list[str]
    ) -> None:
        def story(run_id: str, **fields: Any) -> Any:
            kit.clock.seconds += 10
            return kit.story(run_id).start(**fields)

        stories = [
            story("answered").attempt().end_attempt().finish(),
            story("down").attempt().fail().finish(RunOutcome.EXHAUSTED),
            story("late").attempt().end_attempt(outcome=AttemptOutcome.CANCELLED).finish(RunOutcome.DEADLINE),
            story("limited")
            .attempt()
            .end_attempt(outcome=AttemptOutcome.RATE_LIMITED)
            .attempt("openai/gpt", 2)
            .end_attempt("openai/gpt", 2)
            .finish(ref="openai/gpt", attempts=2),
            story("weak").attempt().end_attempt(outcome=AttemptOutcome.QUALITY_FAILURE).finish(RunOutcome.BELOW_BAR),
            story("nobody").finish(RunOutcome.NOTHING_CALLABLE, attempts=0),
            story("cancelled").attempt().end_attempt(outcome=AttemptOutcome.CANCELLED).finish(RunOutcome.CANCELLED),
            story("killed", caller={"host": "far", "pid": "1"}).attempt(),
        ]
        for told in stories:
            await store.append(told.events)
        kit.clock.seconds += 3_600
        await store.append(story("running").attempt().fail().attempt("openai/gpt", 2).events)

        found = await store.runs(RunFilter(statuses=frozenset(map(Status, words.split())), **more))
        assert [run.run_id for run in found] == expected

    async def test_only_the_beginning_of_a_prompt_is_listed(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered(prompt="x" * 10_000))

        assert [len(run.prompt) for run in await store.runs(EVERYTHING)] == [200]

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [("7f", ["7f3b", "7f3a"]), ("7f3a", ["7f3a"]), ("", ["81_c", "7f3b", "7f3a"]), ("_", []), ("\udcff", [])],
    )
    async def test_ids_are_found_by_their_beginning(self, store: Store, kit: Any, prefix: str, expected: list[str]) -> None:
        for run_id in ("7f3a", "7f3b", "81_c"):
            kit.clock.seconds += 1
            await store.append(kit.answered(run_id))

        assert list(await store.find_runs(prefix)) == expected

    async def test_no_more_than_twenty_ids_are_found_and_those_the_newest(self, store: Store, kit: Any) -> None:
        for number in range(25):
            kit.clock.seconds += 1
            await store.append(kit.answered(f"a{number}"))

        assert list(await store.find_runs("a")) == [f"a{number}" for number in range(24, 4, -1)]

    async def test_a_run_that_nobody_knows_has_nothing(self, store: Store) -> None:
        assert (list(await store.attempts("none")), list(await store.events("none"))) == ([], [])


class TestEvents:
    async def test_they_come_back_as_they_went_in(self, store: Store, kit: Any) -> None:
        events = kit.story().start("ÄRGER \udcff").attempt().text("Raft \x00 is").fail().finish(RunOutcome.EXHAUSTED).events
        await store.append(events[:2])
        await store.append(events[2:])

        assert list(await store.events("7f3a")) == events

    async def test_a_reader_gets_what_came_since(self, store: Store, kit: Any) -> None:
        events = kit.answered()
        await store.append(events[:3])
        await store.append(events[3:])

        for seq in range(-1, 6):
            assert [event.seq for event in await store.events("7f3a", after_seq=seq)] == list(range(seq + 1, 5))

    @pytest.mark.parametrize(
        "parts",
        [
            [(0, 5), (0, 5)],
            [(0, 3), (2, 5)],
            [(2, 4), (0, 5)],
            [(1, 2), (3, 4), (0, 5)],
            [(0, 0), (0, 5)],
            [(3, 5), (0, 3), (0, 5)],
        ],
        ids=str,
    )
    async def test_what_is_there_already_is_ignored(self, store: Store, kit: Any, parts: list[tuple[int, int]]) -> None:
        events = list(kit.answered())
        for start, end in parts:
            await store.append(events[start:end])

        assert list(await store.events("7f3a")) == events
        assert [attempt.outcome for attempt in await store.attempts("7f3a")] == ["success"]
        (run,) = await store.runs(EVERYTHING)
        assert (run.prompt, run.outcome, run.attempts) == ("What is Raft?", "answered", 1)

    async def test_a_gap_may_be_filled_later(self, store: Store, kit: Any) -> None:
        events = list(kit.answered())
        await store.append([events[0], events[1], events[4]])
        await store.append([events[3]])
        await store.append(events)

        assert list(await store.events("7f3a")) == events

    async def test_runs_do_not_mix(self, store: Store, kit: Any) -> None:
        one, two = kit.story("one").start().attempt(), kit.story("two").start().attempt()
        for index in range(2):
            await store.append(one.events[index : index + 1])
            await store.append(two.events[index : index + 1])

        assert list(await store.events("one")) == one.events
        assert list(await store.events("two")) == two.events


class TestNews:
    async def test_a_reader_is_told_of_every_kind_of_write(self, store: Store, kit: Any) -> None:
        mark = await store.news("", 0.0)
        assert await store.news(mark, 0.0) == mark, "nothing was written"

        for write in (
            lambda: store.append(kit.answered()),
            lambda: store.signal(KEY, kit.failed()),
            lambda: store.deny(kit.denial("lab/qwen")),
            lambda: store.allow("lab/qwen"),
        ):
            await write()
            newer = await store.news(mark, 20.0)
            assert newer != mark
            mark = await store.news("", 0.0)

    async def test_who_waits_is_woken(self, store: Store, kit: Any) -> None:
        mark = await store.news("", 0.0)
        waiting = asyncio.create_task(store.news(mark, 60.0))
        await asyncio.sleep(0)

        await store.append(kit.answered())

        assert await waiting != mark

    async def test_reading_is_no_news(self, store: Store, kit: Any) -> None:
        await store.append(kit.answered())
        mark = await store.news("", 0.0)

        await store.runs(EVERYTHING)
        await store.circuits()
        await store.admit(KEY)

        assert await store.news(mark, 0.0) == mark


async def test_a_check_says_where_it_is_and_that_it_can_be_written(store: Store) -> None:
    told = await store.check()

    assert told["write"] == "ok"
    assert told["place"]
    assert list(await store.runs(EVERYTHING)) == []


PARTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=8)


@given(parts=PARTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_delivered_twice_late_or_in_pieces_all_stores_know_the_same(
    kit: Any, tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer, parts: list[tuple[int, int]]
) -> None:
    story = kit.story().start().attempt().fail().attempt("openai/gpt", 2).text(number=2).end_attempt("openai/gpt", 2)
    events = story.finish(ref="openai/gpt", attempts=2).events
    folder = tmp_path_factory.mktemp("state")

    async def deliver() -> None:
        stores = [
            kit.memory(),
            await kit.open(path=folder / "state.db"),
            await kit.redis(f"{redis_server.url}&prefix={folder.name}"),
        ]
        for start, length in parts:
            for store in stores:
                await store.append(events[start : start + length])
        seqs = sorted({seq for start, length in parts for seq in range(start, start + length) if seq < len(events)})
        memory = stores[0]
        for store in stores:
            assert [event.seq for event in await store.events("7f3a")] == seqs
            assert list(await store.runs(EVERYTHING)) == list(await memory.runs(EVERYTHING))
            assert list(await store.attempts("7f3a")) == list(await memory.attempts("7f3a"))
            assert await store.totals(Timestamp(0.0)) == await memory.totals(Timestamp(0.0))
            await store.aclose()

    asyncio.run(deliver())
