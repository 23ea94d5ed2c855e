"""Fifty processes on one Redis, with a provider that is up and down: one probe at a time, no failure lost, no record doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.budget import Account
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.state.store import RunFilter
from tests.redis_server import RedisServer
from tests.state.many_processes import BEGINNING

pytestmark = pytest.mark.anyio

PROCESSES = 50
BUYERS = 20
PROBES = 2
"""Of each process."""

ROOT = Path(__file__).parents[2]

# One process loads everything, then fifty come of it: what takes time here is Redis, not Python's start.
WORK = (
    BEGINNING
    + """from llmesc.state.resilient import ResilientStore
from llmesc.state.spool import Spool

FOLDER, URL, PROCESSES, PROBES = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])

{work}

def fork():
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            told = asyncio.run(work(number, room.Kit(folder=FOLDER, url=URL)))
            (FOLDER / f"{{number}}.json").write_text(json.dumps(told))
            os._exit(0)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

print(json.dumps(fork()))
"""
)

HAMMER = """
async def work(number, kit):
    kit.policy = CircuitPolicy(failure_threshold=1e9, window_seconds=1e9)
    store, marker = await kit.redis(), FOLDER / "probing"
    probes, up, refused, clashes = 0, 0, 0, 0
    while probes < PROBES:
        answer = await store.admit(PROBED)
        if not isinstance(answer, Admission):
            refused += 1
            await asyncio.sleep(0.05)
            continue
        if answer.token is None:  # closed: whoever calls now finds the provider down again
            await store.signal(PROBED, kit.failed(answer.generation, retry_after_seconds=0.0))
            continue
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            clashes += 1
        await asyncio.sleep(0.001)
        marker.unlink(missing_ok=True)
        probes += 1
        if (number + probes) % 3 == 0:
            up += await store.signal(PROBED, kit.succeeded(answer.generation, token=answer.token)) is not None
        else:
            await store.signal(PROBED, kit.failed(answer.generation, token=answer.token, retry_after_seconds=0.0))
        await store.signal(COUNTED, kit.failed())
        await store.retry_tokens("default", -1.0, RetryPolicy(tokens=10_000))
        story = kit.story(f"{number}-{probes}").start().attempt()
        await store.append(story.events)
        story.text().end_attempt().finish()
        await store.append(story.events[1:4])
        await store.append(story.events)  # as a spool would deliver it that does not know how far it had come
    await store.aclose()
    return {"probes": probes, "up": up, "refused": refused, "clashes": clashes}
"""

BUY = """
async def work(number, kit):
    store = await kit.redis()
    day, month = Account("all", "day"), Account("all", "month")
    limits, bought, refused, seen = {day: Decimal("1.00"), month: Decimal("1.50")}, 0, 0, Decimal(0)
    for turn in range(20):
        run_id = f"{number}-{turn}"
        claim = Claim(run_id=run_id, attempt=1, dollars=Decimal("0.03"), limits=limits, lease_seconds=600.0)
        answer = await store.reserve(claim)
        seen = max(seen, (await store.spending([day]))[day].total)
        if isinstance(answer, Over):
            refused += 1
            await asyncio.sleep(0.001)
            continue
        bought += 1
        story = kit.story(run_id).start().attempt()
        await store.append(story.events)
        await asyncio.sleep(0.002)
        await store.append(story.end_attempt(cost=Decimal("0.02")).finish().events[2:])
        seen = max(seen, (await store.spending([day]))[day].total)
    await store.aclose()
    return {"bought": bought, "refused": refused, "seen": str(seen)}
"""

ANSWER = """
async def work(number, kit):
    clock = kit.clock
    warnings = []
    patient = {"clock": clock, "warn": warnings.append, "patience_seconds": 30.0}
    store = ResilientStore(kit.redis, fallback=kit.memory(), spool=Spool(FOLDER / "spool", clock), **patient)
    for run in range(20):
        story = kit.story(f"{number}-{run}").start().attempt()
        await store.append(story.events)
        if run == 4:
            (FOLDER / f"{number}.waiting").touch()
            while not (FOLDER / "killed").exists():
                await asyncio.sleep(0.01)
        if run == 12:
            while not (FOLDER / "again").exists():
                await asyncio.sleep(0.01)
            clock.seconds += 10.0
        await store.append(story.end_attempt().finish().events[2:])
    await store.direct()
    await store.aclose()
    return {"warned": len(warnings), "lost": store.lost_events}
"""


@pytest.fixture
def start(kit: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that do what the `work` of a script says."""
    started: list[subprocess.Popen[str]] = []
    kit.folder.mkdir()

    def start(work: str, url: str, processes: int) -> subprocess.Popen[str]:
        arguments = [str(Path(__file__).with_name("conftest.py")), str(kit.folder), url, str(processes), str(PROBES)]
        command = [sys.executable, "-c", WORK.format(work=work), *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_twenty_processes_never_pass_one_budget(
    kit: Any, start: Callable[..., subprocess.Popen[str]], redis_url: str
) -> None:
    kit.url = redis_url
    store = await kit.redis()

    process = start(BUY, redis_url, BUYERS)
    codes = json.loads(process.communicate(timeout=120)[0])
    told = [json.loads((kit.folder / f"{number}.json").read_text()) for number in range(BUYERS)]

    assert codes == [0] * BUYERS
    assert all(Decimal(each["seen"]) <= Decimal("1.00") for each in told), "at no moment that anybody looked"
    assert sum(each["refused"] for each in told) > 0, "more was wanted than the budget allows"
    bought = sum(each["bought"] for each in told)
    day, month = Account("all", "day"), Account("all", "month")
    spent = await store.spending()
    assert spent[day].settled == spent[month].settled == bought * Decimal("0.02") <= Decimal("1.00")
    assert spent[day].reserved == 0, "nothing is left over"
    assert spent[day].settled > Decimal("0.97") - Decimal("0.02"), "and the budget was used"
    await store.aclose()


async def test_fifty_processes_probe_one_at_a_time_lose_no_failure_and_double_no_record(
    kit: Any, start: Callable[..., subprocess.Popen[str]], redis_url: str
) -> None:
    kit.url = redis_url
    counted, probed = CircuitKey("lab", "counted"), CircuitKey("lab", "probed")
    store = await kit.redis()
    await store.signal(probed, kit.failed(retry_after_seconds=0.0))

    process = start(HAMMER, redis_url, PROCESSES)
    codes = json.loads(process.communicate(timeout=120)[0])
    told = [json.loads((kit.folder / f"{number}.json").read_text()) for number in range(PROCESSES)]

    assert codes == [0] * PROCESSES
    assert sum(each["clashes"] for each in told) == 0
    assert sum(each["refused"] for each in told) > 0, "they did contend"
    probes = sum(each["probes"] for each in told)
    up = sum(each["up"] for each in told)
    assert probes == PROCESSES * PROBES
    assert len((await kit.circuit(store, counted)).failures) == probes
    # Opened once; each probe granted once and settled once; after each success once opened again, but perhaps the last.
    assert (await kit.circuit(store, probed)).generation - (1 + 2 * probes + up) in (0, -1)
    assert await store.retry_tokens("default", 0.0, RetryPolicy(tokens=10_000)) == 10_000 - probes
    runs = await store.runs(RunFilter(limit=1_000))
    assert len(runs) == len({run.run_id for run in runs}) == probes
    for run in runs[:20]:
        assert [event.seq for event in await store.events(run.run_id)] == [0, 1, 2, 3, 4]
    totals = await store.totals(kit.clock.now())
    assert (totals.requests, totals.answered, totals.input_tokens) == (probes, probes, probes * 12)
    await store.aclose()


async def test_killed_and_started_again_under_many_processes_every_record_is_there_once(
    kit: Any, start: Callable[..., subprocess.Popen[str]], redis_with: Callable[..., RedisServer]
) -> None:
    processes = 10
    server = redis_with("--appendonly", "yes", "--appendfsync", "always")

    process = start(ANSWER, server.url, processes)
    while len(list(kit.folder.glob("*.waiting"))) < processes:
        assert process.poll() is None
    server.kill()
    (kit.folder / "killed").touch()
    while len(list((kit.folder / "spool").glob("*"))) < processes:
        assert process.poll() is None
    server.start()
    (kit.folder / "again").touch()
    codes = json.loads(process.communicate(timeout=120)[0])

    assert codes == [0] * processes
    told = [json.loads((kit.folder / f"{number}.json").read_text()) for number in range(processes)]
    assert told == [{"warned": 1, "lost": 0}] * processes
    assert list((kit.folder / "spool").glob("*")) == []
    store = await kit.redis(server.url)
    runs = await store.runs(RunFilter(limit=1_000))
    assert {run.run_id for run in runs} == {f"{process}-{run}" for process in range(processes) for run in range(20)}
    assert {run.outcome for run in runs} == {"answered"}
    for run in runs:
        assert [event.seq for event in await store.events(run.run_id)] == [0, 1, 2, 3]
    assert (await store.totals(kit.clock.now())).requests == processes * 20
    await store.aclose()
