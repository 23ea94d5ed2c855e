"""The chain over the record: whoever changes, removes, adds or moves something is found out, and pruning is no gap."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from llmesc.state.keeping import FOR_EVER, Retention, Verified
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import RunFilter

pytestmark = pytest.mark.anyio

DAY = 86_400.0


@pytest.fixture
async def sqlite(kit: Any) -> AsyncIterator[SqliteStore]:
    store = await kit.open()
    yield store
    await store.aclose()


async def fill(kit: Any, store: SqliteStore, *names: str, in_pieces: bool = True) -> None:
    """A run for each name, a day apart, as the recorder writes them: in pieces."""
    for name in names:
        events = kit.answered(name)
        for start in range(0, len(events), 2 if in_pieces else len(events)):
            await store.append(events[start : start + (2 if in_pieces else len(events))])
        kit.clock.seconds += DAY


def tamper(kit: Any, *statements: str) -> None:
    """As somebody does who has a copy of sqlite3."""
    with closing(sqlite3.connect(kit.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def flaws(verified: Verified) -> list[tuple[str, str | None]]:
    return [(problem.flaw, problem.run_id) for problem in verified.problems]


RUN_B = "(SELECT id FROM runs WHERE run_id = 'b')"


class TestVerify:
    async def test_what_nobody_touched_is_verified(self, kit: Any, sqlite: SqliteStore) -> None:
        assert (await sqlite.verify()).problems == (), "an empty file"
        await fill(kit, sqlite, "a", "b", "c")
        await sqlite.append(kit.story("d").start().attempt().events)

        verified = await sqlite.verify()

        assert verified.problems == ()
        assert (verified.runs, verified.unchained_runs, verified.pruned_runs) == (4, 0, 0)
        assert verified.head.startswith(f"{verified.links}:")

    @pytest.mark.parametrize(
        ("statements", "found"),
        [
            ([f"UPDATE events SET body = replace(body, 'Raft', 'Paxos') WHERE run = {RUN_B}"], ("changed", "b")),
            ([f"DELETE FROM events WHERE run = {RUN_B} AND first_seq = 2"], ("missing", "b")),
            ([f"DELETE FROM events WHERE run = {RUN_B}"], ("missing", "b")),
            (
                [
                    f"DELETE FROM events WHERE run = {RUN_B}",
                    f"DELETE FROM attempts WHERE run = {RUN_B}",
                    "DELETE FROM runs WHERE run_id = 'b'",
                ],
                ("missing", "b"),
            ),
            ([f"DELETE FROM events WHERE run = {RUN_B}", "DELETE FROM links WHERE link_run = 'b'"], ("missing", None)),
            (["DELETE FROM links WHERE position = 4"], ("missing", None)),
            ([f"UPDATE events SET first_seq = 9, last_seq = 10 WHERE run = {RUN_B} AND first_seq = 2"], ("missing", "b")),
            (["UPDATE runs SET run_id = 'x' WHERE run_id = 'b'"], ("missing", "b")),
            (["UPDATE links SET link_digest = zeroblob(32) WHERE link_run = 'b' AND link_seq = 0"], ("changed", "b")),
            (
                [
                    "UPDATE links SET position = 99 WHERE position = 4",
                    "UPDATE links SET position = 4 WHERE position = 5",
                    "UPDATE links SET position = 5 WHERE position = 99",
                ],
                ("changed", "b"),
            ),
            (
                [f"INSERT INTO events SELECT run, 77, 77, body FROM events WHERE run = {RUN_B} AND first_seq = 2"],
                ("added", "b"),
            ),
            (
                [
                    "INSERT INTO runs SELECT id - 99, 'x', started_at, finished_at, outcome, chain, prompt, answered_by, "
                    "attempts, cost, caller, input_tokens, output_tokens, primary_ref, judge_calls, judges_cost, "
                    "host, pid, process_started, alive_at "
                    "FROM runs WHERE run_id = 'b'",
                    f"INSERT INTO events SELECT run - 99, first_seq, last_seq, body FROM events WHERE run = {RUN_B}",
                ],
                ("added", "x"),
            ),
            (["UPDATE links SET link_digest = 'none' WHERE link_run = 'b' AND link_seq = 0"], ("changed", "b")),
            ([f"UPDATE events SET body = x'00ff' WHERE run = {RUN_B} AND first_seq = 2"], ("changed", "b")),
            (["UPDATE runs SET caller = 'nobody' WHERE run_id = 'b'"], ("changed", "b")),
            (["UPDATE runs SET finished_at = 'never' WHERE run_id = 'b'"], ("changed", "b")),
            ([f"UPDATE attempts SET attempt = 'x' WHERE run = {RUN_B}"], ("changed", "b")),
            (["UPDATE runs SET outcome = 'exhausted' WHERE run_id = 'b'"], ("changed", "b")),
            (["UPDATE runs SET cost = '0' WHERE run_id = 'b'"], ("changed", "b")),
            ([f"UPDATE attempts SET call_cost = '0' WHERE run = {RUN_B}"], ("changed", "b")),
            ([f"UPDATE attempts SET judge_ref = 'lab/qwen' WHERE run = {RUN_B}"], ("changed", "b")),
            (["UPDATE runs SET judges_cost = '9' WHERE run_id = 'b'"], ("changed", "b")),
            ([f"DELETE FROM attempts WHERE run = {RUN_B}"], ("changed", "b")),
        ],
    )
    async def test_what_somebody_did_to_one_run_is_found_and_the_others_are_verified(
        self, kit: Any, sqlite: SqliteStore, statements: list[str], found: tuple[str, str | None]
    ) -> None:
        await fill(kit, sqlite, "a", "b", "c")
        tamper(kit, *statements)

        verified = await sqlite.verify()

        assert found in flaws(verified)
        assert {run_id for _, run_id in flaws(verified)} <= {"b", "x", None}
        assert all(problem.detail for problem in verified.problems)

    async def test_two_processes_that_write_by_turns_make_one_chain(self, kit: Any, sqlite: SqliteStore) -> None:
        other = await kit.open()
        one, two = kit.answered("one"), kit.answered("two")
        for index in range(len(one)):
            await sqlite.append(one[index : index + 1])
            await other.append(two[index : index + 1])
        await other.aclose()

        verified = await sqlite.verify()

        assert (verified.problems, verified.runs, verified.links) == ((), 2, len(one) + len(two))

    async def test_what_is_appended_a_second_time_makes_no_link(self, kit: Any, sqlite: SqliteStore) -> None:
        events = kit.answered()
        await sqlite.append(events)
        before = (await sqlite.verify()).head

        await sqlite.append(events)

        assert (await sqlite.verify()).head == before


class TestAnchor:
    async def test_a_head_that_was_kept_is_found_again(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a")
        kept = (await sqlite.verify()).head
        await fill(kit, sqlite, "b")

        assert (await sqlite.verify(kept)).problems == ()
        assert (await sqlite.verify((await sqlite.verify()).head)).problems == ()

    async def test_it_shows_that_the_end_was_cut_off(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a", "b")
        kept = (await sqlite.verify()).head
        tamper(
            kit,
            f"DELETE FROM events WHERE run = {RUN_B}",
            f"DELETE FROM attempts WHERE run = {RUN_B}",
            "DELETE FROM runs WHERE run_id = 'b'",
            "DELETE FROM links WHERE link_run = 'b'",
        )

        assert (await sqlite.verify()).problems == (), "the chain alone cannot know"
        (problem,) = (await sqlite.verify(kept)).problems
        assert problem.flaw == "unproven"
        assert "is gone" in problem.detail

    async def test_it_shows_that_the_chain_was_made_anew(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a")
        kept = (await sqlite.verify()).head
        tamper(kit, *(f"DELETE FROM {table}" for table in ("events", "attempts", "runs", "links")))
        await fill(kit, sqlite, "z")

        (problem,) = (await sqlite.verify(kept)).problems

        assert problem.flaw == "unproven"
        assert "made anew" in problem.detail

    @pytest.mark.parametrize("text", ["", "abc", "12:", "12:zz", "x:" + "0" * 64, "1:" + "g" * 64])
    async def test_what_is_no_head_is_refused(self, sqlite: SqliteStore, text: str) -> None:
        with pytest.raises(ValueError, match=r"head of a chain|hexadecimal"):
            await sqlite.verify(text)


class TestPrune:
    async def test_old_runs_go_and_the_chain_says_so(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a", "b", "c")
        planned = await sqlite.prunable(Retention(keep_seconds=1.5 * DAY))

        gone = await sqlite.prune(Retention(keep_seconds=1.5 * DAY), "ann@host")

        assert gone == planned
        assert (gone.runs, gone.events) == (2, 2 * len(kit.answered()))
        assert gone.bytes > 500
        assert [run.run_id for run in await sqlite.runs(RunFilter())] == ["c"]
        assert await sqlite.events("a") == []
        verified = await sqlite.verify()
        assert verified.problems == ()
        assert (verified.runs, verified.pruned_runs) == (1, 2)
        assert (verified.pruned_at, verified.pruned_by) == (kit.clock.now(), "ann@host")

    async def test_pruned_and_pruned_again_the_rest_is_verified_and_the_chain_is_no_longer_than_what_is_there(
        self, kit: Any, sqlite: SqliteStore
    ) -> None:
        await fill(kit, sqlite, "a")
        kept = (await sqlite.verify()).head
        for number in range(30):
            await fill(kit, sqlite, f"run{number}")
            await sqlite.prune(Retention(keep_seconds=2.5 * DAY), "ann@host")
        verified = await sqlite.verify()
        assert (verified.problems, verified.runs, verified.pruned_runs) == ((), 2, 29)
        assert verified.links < 20
        (problem,) = (await sqlite.verify(kept)).problems
        assert "pruned since" in problem.detail
        await sqlite.prune(Retention(keep_seconds=0.0), "ann@host")
        assert ((await sqlite.verify()).problems, (await sqlite.verify()).runs) == ((), 0)
        await fill(kit, sqlite, "z")
        assert ((await sqlite.verify()).problems, (await sqlite.verify()).runs) == ((), 1)

    async def test_a_run_that_goes_on_stays_and_its_events_are_still_verified(self, kit: Any, sqlite: SqliteStore) -> None:
        running = kit.story("running").start().attempt()
        await sqlite.append(running.events)
        await fill(kit, sqlite, "a", "b")

        assert (await sqlite.prune(Retention(keep_seconds=0.0), "ann@host")).runs == 2

        assert [run.run_id for run in await sqlite.runs(RunFilter())] == ["running"]
        await sqlite.append(running.text().end_attempt().finish().events[2:])
        verified = await sqlite.verify()
        assert (verified.problems, verified.runs, verified.pruned_runs) == ((), 1, 2)
        tamper(kit, "UPDATE events SET body = replace(body, 'Raft', 'Paxos') WHERE first_seq = 0")
        assert flaws(await sqlite.verify()) == [("changed", "running")]

    async def test_what_is_taken_without_being_signed_for_is_missing_behind_what_was_pruned_too(
        self, kit: Any, sqlite: SqliteStore
    ) -> None:
        await fill(kit, sqlite, "a", "b", "c")
        await sqlite.prune(Retention(keep_seconds=2.5 * DAY), "ann@host")
        tamper(kit, "DELETE FROM links WHERE position = (SELECT min(position) FROM links)")
        assert ("missing", None) in flaws(await sqlite.verify())
        tamper(kit, "DELETE FROM prunes")
        assert ("missing", None) in flaws(await sqlite.verify())

    async def test_whoever_forges_what_was_pruned_breaks_the_chain(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a", "b", "c")
        await sqlite.prune(Retention(keep_seconds=2.5 * DAY), "ann@host")
        tamper(
            kit,
            'UPDATE prunes SET prune_record = replace(prune_record, \'["a"]\', \'["a","b"]\')',
            f"DELETE FROM events WHERE run = {RUN_B}",
            "DELETE FROM runs WHERE run_id = 'b'",
        )
        assert "changed" in {flaw for flaw, _ in flaws(await sqlite.verify())}
        tamper(kit, "UPDATE prunes SET prune_record = 'nothing at all'")
        assert "changed" in {flaw for flaw, _ in flaws(await sqlite.verify())}

    async def test_it_goes_on_behind_a_head_that_was_spoiled(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a")
        tamper(kit, "UPDATE links SET link_digest = 7 WHERE position = (SELECT max(position) FROM links)")

        await fill(kit, sqlite, "b")

        assert flaws(await sqlite.verify()) == [("changed", "a")]

    async def test_the_file_gets_no_larger_than_it_may_and_gives_its_room_back(self, kit: Any, sqlite: SqliteStore) -> None:
        for number in range(40):
            await sqlite.append(kit.answered(f"run{number}", prompt="long " * 5_000))
            kit.clock.seconds += 60
        size, _ = await sqlite.sizes()
        half = Retention(max_bytes=size // 2)
        planned = await sqlite.prunable(half)

        gone = await sqlite.prune(half, "ann@host")

        after, free = await sqlite.sizes()
        assert after <= size // 2
        assert kit.path.stat().st_size == after
        assert free == 0
        assert 15 <= gone.runs <= 25
        assert abs(planned.runs - gone.runs) <= 3
        assert [run.run_id for run in await sqlite.runs(RunFilter(limit=1))] == ["run39"], "the oldest go"
        assert (await sqlite.verify()).problems == ()

    async def test_nothing_else_is_touched(self, kit: Any, sqlite: SqliteStore) -> None:
        from llmesc.escalation.resolution import CircuitKey
        from llmesc.escalation.retry_budget import RetryPolicy

        await sqlite.signal(CircuitKey("lab"), kit.failed())
        await sqlite.deny(kit.denial("openai/gpt"))
        await sqlite.retry_tokens("default", -7.0, RetryPolicy())
        await fill(kit, sqlite, "a")
        circuits, denials = await sqlite.circuits(), await sqlite.denials()
        budget = await sqlite.retry_tokens("default", 0.0, RetryPolicy())

        assert (await sqlite.prune(Retention(keep_seconds=0.0), "ann@host")).runs == 1

        assert (await sqlite.circuits(), await sqlite.denials()) == (circuits, denials)
        assert await sqlite.retry_tokens("default", 0.0, RetryPolicy()) == budget

    async def test_what_went_is_not_to_be_found_in_the_file(self, kit: Any, sqlite: SqliteStore) -> None:
        await sqlite.append(kit.answered("a", prompt="the launch code is 0000"))
        kit.clock.seconds += DAY
        await sqlite.prune(Retention(keep_seconds=1.0), "ann@host")

        assert all(b"launch code" not in file.read_bytes() for file in kit.folder.glob("state.db*"))

    async def test_nothing_to_do_writes_nothing(self, kit: Any, sqlite: SqliteStore) -> None:
        await fill(kit, sqlite, "a")
        head = (await sqlite.verify()).head

        assert (await sqlite.prune(FOR_EVER, "ann@host")).runs == 0
        assert (await sqlite.prune(Retention(keep_seconds=9 * DAY, max_bytes=10**9), "ann@host")).runs == 0

        assert (await sqlite.verify()).head == head


class TestByItself:
    async def test_each_run_that_ends_takes_some_old_ones_with_it(self, kit: Any) -> None:
        store = await kit.open(retention=Retention(keep_seconds=2.5 * DAY))
        await fill(kit, store, *"abcdefgh")
        assert [run.run_id for run in await store.runs(RunFilter())] == ["h", "g", "f"]
        verified = await store.verify()
        assert (verified.problems, verified.pruned_runs) == ((), 5)
        await store.aclose()

    async def test_but_never_many_at_once(self, kit: Any, sqlite: SqliteStore) -> None:
        from llmesc.state.sqlite_prune import STEP_RUNS

        for number in range(2 * STEP_RUNS):
            await sqlite.append(kit.answered(f"old{number}"))
        kit.clock.seconds += 9 * DAY
        store = await kit.open(retention=Retention(keep_seconds=DAY))

        await store.append(kit.answered("new"))

        assert len(await store.runs(RunFilter(limit=100))) == STEP_RUNS + 1
        await store.aclose()
