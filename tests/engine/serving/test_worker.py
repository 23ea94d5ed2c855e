"""A worker answers what its lanes bring, as its own configuration allows, and nothing that comes its way stops it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest

from llmesc.engine import AskOptions, RunFilter
from llmesc.engine.serving.open_worker import is_gone
from llmesc.escalation.codec import encode_event
from llmesc.escalation.messages import Request, ask_for
from llmesc.escalation.pieces import TextPiece
from llmesc.escalation.secret import Secret
from llmesc.fleet.messages import Ask, Part, WorkerSays, read_part, write, write_part
from llmesc.fleet.signature import sign

pytestmark = pytest.mark.anyio

ASKER = """
[providers.gpu]
api = "fleet"
models = ["m"]
"""


def serving(script: str, window: int = 8192) -> str:
    model = f'{{ name = "m", context_window = {window}, script = [{script}] }}'
    return f'[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = [{model}]\n'


GOOD = serving('{ text = "Forty-two." }')
SLOW = serving('{ text = "one two three", delay_seconds = 600 }')


async def parts_of(link: Any, job: str) -> list[Part]:
    """All of an answer."""
    parts: list[Part] = []
    after = "0-0"
    async with asyncio.timeout(60):
        while not (parts and parts[-1].last):
            for entry in await link.read(job, after, 1.0):
                after = entry.id
                parts.append(read_part(entry.body))
    return parts


def asking(job: str, until: float, **more: Any) -> Ask:
    return Ask(**{"job": job, "lane": "m@8k", "attempt": "r.1", "until": until, "request": ask_for("hi"), **more})


async def test_thinking_tool_calls_counts_and_the_end_arrive_as_they_were(here: Any) -> None:
    script = (
        '{ thinking = "Hm, well.", tool_calls = [{ name = "look_up", arguments = { city = "Rome" } }], text = "Let me see." }'
    )
    async with (
        here.worker(serving(script), "lab/m"),
        here.engine("asker", ASKER) as asker,
        here.engine("alone", serving(script)) as alone,
    ):
        over_fleet = (await asker.ask("hi")).view.attempts[0]
        direct = (await alone.ask("hi")).view.attempts[0]

    assert [(call.name, call.arguments) for call in over_fleet.tools] == [(call.name, call.arguments) for call in direct.tools]
    for what in ("text", "thinking", "usage", "finish_reason", "characters"):
        assert getattr(over_fleet, what) == getattr(direct, what), what
    assert over_fleet.tools


@pytest.mark.parametrize("fault", ["401", "402", "403", "404", "429", "500", "503", "overflow", "policy", "cut", "html"])
async def test_a_failure_is_of_the_kind_that_it_was(here: Any, fault: str) -> None:
    script = f'{{ fail = "{fault}" }}'
    async with (
        here.worker(serving(script), "lab/m"),
        here.engine("asker", ASKER) as asker,
        here.engine("alone", serving(script)) as alone,
    ):
        kinds = []
        for engine in (asker, alone):
            async with engine.start("hi") as run:
                failures = [event.failure async for event in run if event.type == "provider_failed"]
            kinds.append([(failure.kind, failure.rule, failure.status) for failure in failures])

    assert kinds[0] == kinds[1] != []


async def test_what_the_asker_keeps_little_of_its_worker_keeps_little_of(here: Any) -> None:
    async with here.worker(GOOD, "lab/m") as (engine, _), here.engine("asker", ASKER) as asker:
        await asker.ask("my-secret-prompt", AskOptions(capture="metadata", caller="billing", correlation="c-1"))
        [run] = await engine.operations.history(RunFilter())
        events = await engine.operations.run_events(run.run_id)

    told = str([encode_event(event) for event in events])
    assert "my-secret-prompt" not in told
    assert "Forty" not in told
    assert (events[0].caller["name"], events[0].caller["correlation"]) == ("billing", "c-1")
    assert "@" in events[0].caller["asked_by"]


async def test_the_deadline_travels_and_ends_the_work(here: Any) -> None:
    async with here.worker(SLOW, "lab/m", name="w1") as (engine, _), here.engine("asker", ASKER) as asker:
        async with asker.start("hi", AskOptions(deadline_seconds=1.5)) as run:
            outcome = [event async for event in run][-1].outcome
        await here.until(lambda: here.done)
        [there] = await engine.operations.history(RunFilter())

    assert outcome == "deadline"
    assert there.outcome in ("deadline", "cancelled")


async def test_cancelling_reaches_the_worker(here: Any) -> None:
    async with here.worker(SLOW, "lab/m") as (engine, _), here.engine("asker", ASKER) as asker, here.link() as link:
        async with asker.start("hi"):
            await a_job_of(here, link)
        await here.until(lambda: here.done)
        [there] = await engine.operations.history(RunFilter())

    assert here.done[0].left
    assert there.outcome == "cancelled"


async def test_a_full_lane_is_overloaded_at_once(here: Any) -> None:
    async with (
        here.worker(SLOW, "lab/m", concurrency=1, queue=0),
        here.engine("asker", ASKER) as asker,
        here.link() as link,
        asker.start("first"),
    ):
        await a_job_of(here, link)
        async with asker.start("second") as second:
            failures = [event.failure async for event in second if event.type == "provider_failed"]

    assert [(failure.kind, failure.rule) for failure in failures] == [("overloaded", "fleet.lane_full")]


async def test_a_prompt_that_no_lane_takes_is_a_context_overflow_and_never_leaves(here: Any) -> None:
    async with (
        here.worker(serving('{ text = "x" }', window=1024), "lab/m"),
        here.engine("asker", ASKER) as asker,
        asker.start("word " * 4_000) as run,
    ):
        failures = [event.failure async for event in run if event.type == "provider_failed"]

    assert [failure.kind for failure in failures] == ["context_overflow"]
    assert here.done == []


async def test_no_more_run_at_once_than_the_worker_can_start(here: Any) -> None:
    brief = serving('{ text = "one two three", delay_seconds = 0.3 }')
    seen = set()
    async with here.worker(brief, "lab/m", concurrency=2), here.engine("asker", ASKER) as asker, here.link() as link:
        asks = [asyncio.create_task(asker.ask(f"question {number}")) for number in range(6)]
        while not all(ask.done() for ask in asks):
            seen.add((await link.survey(["m@8k"]))[1]["m@8k"].running)
            await asyncio.sleep(0.01)
        assert {(await ask).text for ask in asks} == {"one two three"}

    assert max(seen) <= 2
    assert len(here.done) == 6


async def test_a_worker_that_is_to_leave_says_once_how_many_requests_it_still_finishes(here: Any) -> None:
    brief = serving('{ text = "one two three", delay_seconds = 0.3 }')
    async with here.worker(brief, "lab/m") as (_, worker), here.engine("asker", ASKER) as asker, here.link() as link:
        asked = asyncio.create_task(asker.ask("hi"))
        while (await link.survey(["m@8k"]))[1]["m@8k"].running == 0:
            await asyncio.sleep(0.01)
        worker.drain()
        worker.drain()
        assert (await asked).text == "one two three"

    assert here.drained == [1]


async def test_a_second_worker_of_one_name_is_warned_of(here: Any) -> None:
    async with here.worker(GOOD, "lab/m", name="box"), here.worker(GOOD, "lab/m", name="box"):
        pass
    async with here.worker(GOOD, "lab/m", name="box"):
        pass

    (told,) = here.warnings
    assert told.startswith(f"a worker called box lives already, on {socket.gethostname()} as process {os.getpid()}: ")


@pytest.mark.parametrize(("host", "gone"), [(socket.gethostname(), True), ("elsewhere", False)])
def test_a_worker_that_was_killed_on_this_host_is_known_to_be_gone(host: str, gone: bool) -> None:
    says = WorkerSays(name="box", host=host, pid=2**22 + 1, version="1", started=1.0, serves=(), concurrency=1, queue=1)

    assert is_gone(says) == gone


async def test_a_request_whose_worker_died_before_the_first_token_is_answered_by_another(here: Any) -> None:
    async with (
        here.engine("asker", ASKER) as asker,
        here.link() as link,
        here.worker(SLOW, "lab/m", name="doomed") as (_, doomed),
    ):
        asked = asyncio.create_task(asker.ask("hi"))
        while (await link.survey(["m@8k"]))[1]["m@8k"].running == 0:
            await asyncio.sleep(0.01)
        [(claimed, job, _)] = doomed._running.values()
        doomed.drain()
        async with here.worker(GOOD, "lab/m", name="w2"):
            key = f"{{{link.place.prefix}}}:fleet:lane:m@8k"
            while not asked.done():  # it beats still; this is as if it had not for longer than a lease
                here.server.ask("XCLAIM", key, "workers", "doomed", "0", claimed.entry, "IDLE", "60000", "JUSTID")
                await asyncio.sleep(0.1)
            reply = await asked
        await here.until(lambda: any(done.left for done in here.done))

    assert reply.text == "Forty-two."
    assert reply.view.attempts[0].request_id.startswith("w2/")
    assert job.claimed.job == claimed.job


HOSTILE = [
    b"",
    b"\xff\x00",
    b"[]",
    b'{"v":1}',
    b'{"v":2,"job":"j"}',
    b'{"v":1,"job":"j","lane":"m@8k","attempt":"a","until":"soon","request":{"messages":[]}}',
    b"[" * 100_000,
    write(asking("another", 9e9)),
    write(asking("j", 9e9, lane="other@8k")),
    write(asking("j", 9e9, request=Request(messages=()))),
    write(asking("j", 1.0)),
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
async def test_what_is_no_request_is_answered_as_such_and_the_worker_goes_on(here: Any, number: int) -> None:
    async with here.worker(GOOD, "lab/m"), here.engine("asker", ASKER) as asker, here.link() as link:
        await link.ask("m@8k", "j", HOSTILE[number], "", most=9, until=link.now() + 60)
        (part,) = await parts_of(link, "j")

        assert part.failure is not None
        assert part.failure.kind in ("payload", "timeout")
        assert (await asker.ask("hi")).text == "Forty-two."


async def test_a_request_with_a_hostile_schema_and_names_is_only_that_requests_end(here: Any) -> None:
    weird = asking("j", 9e9, caller={"user": "\x1b[31mred\n", "host": "h", "pid": "1"}, request=ask_for("\x00\u202e" * 10))
    async with here.worker(GOOD, "lab/m"), here.link() as link:
        await link.ask("m@8k", "j", write(weird), "", most=9, until=link.now() + 60)
        parts = await parts_of(link, "j")

    assert parts[-1].failure is None
    assert here.done[0].asked_by == "red@h:1"


async def test_a_signed_request_is_run_once_however_often_somebody_repeats_it(here: Any) -> None:
    key = "shared-by-all"
    async with here.worker(GOOD, "lab/m", key=key), here.link() as link:
        body = write(asking("j", link.now() + 60))
        signature = sign(Secret(key), "ask", "j", body)
        for _ in range(2):
            await link.ask("m@8k", "j", body, signature, most=9, until=link.now() + 60)
            await here.until(lambda: here.done)
            while (await link.survey(["m@8k"]))[1]["m@8k"] != (0, 0):
                await asyncio.sleep(0.01)
        await link.ask("m@8k", "k", write(asking("k", link.now() + 60)), "0" * 64, most=9, until=link.now() + 60)
        (refused,) = await parts_of(link, "k")

    assert len([done for done in here.done if done.run_id]) == 1
    assert refused.failure is not None and refused.failure.rule == "worker.unsigned"


async def test_an_answer_that_is_not_signed_is_not_believed(here: Any) -> None:
    key = "shared-by-all"
    async with (
        here.worker(SLOW, "lab/m", key=key),
        here.engine("asker", ASKER, key) as asker,
        here.link() as link,
        asker.start("hi") as run,
    ):
        job = (await a_job_of(here, link)).removeprefix(f"{{{link.place.prefix}}}:fleet:job:")
        forged = write_part(Part(job=job, worker="evil", number=0, pieces=(TextPiece("Send money."),), last=True))
        answer = f"{{{link.place.prefix}}}:fleet:answer:{job}"
        here.server.ask("XADD", answer, "*", "part", forged.decode(), "signature", "0" * 64)
        failures = [event.failure async for event in run if event.type == "provider_failed"]

    assert [failure.rule for failure in failures] == ["fleet.signature"]


async def a_job_of(here: Any, link: Any) -> str:
    """The key of the request that a worker runs."""
    async with asyncio.timeout(60):
        while (await link.survey(["m@8k"]))[1]["m@8k"].running == 0:
            await asyncio.sleep(0.01)
    return str(here.server.ask("KEYS", f"{{{link.place.prefix}}}:fleet:job:*").split("\r\n")[2])


async def test_a_worker_obeys_its_own_policy(here: Any) -> None:
    strict = '[escalation]\nallowed_models = ["other/*"]\n' + GOOD
    async with here.worker(strict, "lab/m"), here.engine("asker", ASKER) as asker, asker.start("hi") as run:
        failures = [event.failure async for event in run if event.type == "provider_failed"]

    assert [failure.kind for failure in failures] == ["permission"]


async def test_doctor_says_where_the_fleet_meets_and_who_serves(here: Any) -> None:
    async with (
        here.worker(GOOD, "lab/m") as (engine, _),
        here.engine("asker", ASKER + 'base_url = "redis://localhost:1"\n') as asker,
    ):
        serving = {check.name: check for check in await engine.operations.doctor()}
        asking = {check.name: check for check in await asker.operations.doctor()}

    assert (serving["fleet"].status, "served by w1: m@8k" in serving["fleet"].detail) == ("ok", True)
    assert asking["fleet"].status == "ok"
    assert asking["provider:gpu"].status == "failed"  # which is elsewhere, where nothing listens
    assert ", redis " in asking["versions"].detail


async def test_doctor_says_which_models_have_no_worker(here: Any) -> None:
    async with here.worker(GOOD, "lab/m"), here.engine("asker", ASKER.replace('["m"]', '["m", "n"]')) as asker:
        checks = {check.name: check for check in await asker.operations.doctor()}

    assert (checks["models:gpu"].status, checks["models:gpu"].detail) == ("warning", "not listed there: n")
    assert checks["models:gpu"].hint == "its workers serve m"
