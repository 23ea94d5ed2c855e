"""Many processes on one file: one probe at a time, no failure lost, and what a killed one leaves behind."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.budget import Account
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.state.process import Process, is_running, this_process
from llmesc.state.store import RunFilter
from tests.state.many_processes import BEGINNING

pytestmark = pytest.mark.anyio

PROCESSES = 8
BUYERS = 20

PREAMBLE = BEGINNING + "kit = room.Kit(folder=Path(sys.argv[2]))\n"

HAMMER = """
async def main():
    kit.policy = CircuitPolicy(failure_threshold=1e9, window_seconds=1e9)
    store = await kit.open(busy_seconds=20.0)
    marker, probes, refused, clashes = Path(sys.argv[2]) / "probing", 0, 0, 0
    while probes < 10:
        answer = await store.admit(PROBED)
        if not isinstance(answer, Admission):
            refused += 1
            await asyncio.sleep(0.001)
            continue
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            clashes += 1
        await asyncio.sleep(0.002)
        marker.unlink(missing_ok=True)
        probes += 1
        # After no seconds: the next probe may follow at once.
        await store.signal(PROBED, kit.failed(answer.generation, token=answer.token, retry_after_seconds=0.0))
        await store.signal(COUNTED, kit.failed())
    await store.aclose()
    print(json.dumps({"probes": probes, "refused": refused, "clashes": clashes}))
"""

SPEND = """
async def main():
    store = await kit.open(busy_seconds=20.0)
    for _ in range(25):
        await store.retry_tokens("default", -1.0, RetryPolicy(tokens=1000))
        await asyncio.sleep(0)
    await store.aclose()
"""

BUY = """
# One process loads everything, then twenty come of it: what takes time here is the file, not Python's start.
async def buy():
    store = await kit.open(busy_seconds=30.0)
    day, month = Account("all", "day"), Account("all", "month")
    limits, bought, refused, seen = {day: Decimal("1.00"), month: Decimal("1.50")}, 0, 0, Decimal(0)
    for number in range(20):
        run_id = f"{os.getpid()}-{number}"
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

def child(write):
    told = asyncio.run(buy())
    os.write(write, json.dumps(told).encode() + b"\\n")
    os._exit(0)

read, write = os.pipe()
children = [os.fork() or child(write) for _ in range(20)]
os.close(write)
told = [json.loads(line) for line in os.fdopen(read)]
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]

async def main():
    print(json.dumps({"codes": codes, "told": told}))
"""

HANG = """
async def main():
    store = await kit.open()
    story = kit.story("killed").start().attempt()
    await store.append(story.events)
    await store.append(story.text().events[2:])
    print("started", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def start(kit: Any) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that does what a script's `main` says."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"{PREAMBLE}\n{script}\nasyncio.run(main())"]
        arguments = [str(Path(__file__).with_name("conftest.py")), str(kit.folder)]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_eight_processes_never_probe_at_the_same_time_and_lose_no_failure(
    kit: Any, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    counted, probed = CircuitKey("lab", "counted"), CircuitKey("lab", "probed")
    store = await kit.open()
    await store.signal(probed, kit.failed(retry_after_seconds=0.0))

    processes = [start(HAMMER) for _ in range(PROCESSES)]
    told = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert sum(each["clashes"] for each in told) == 0
    assert sum(each["refused"] for each in told) > 0, "they did contend"
    probes = sum(each["probes"] for each in told)
    assert len((await kit.circuit(store, counted)).failures) == probes
    # Opened once, then each probe granted once and settled once.
    assert (await kit.circuit(store, probed)).generation == 1 + 2 * probes
    await store.aclose()


async def test_eight_processes_that_spend_one_retry_budget_lose_no_token(
    kit: Any, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    store = await kit.open()

    processes = [start(SPEND) for _ in range(PROCESSES)]
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert await store.retry_tokens("default", 0.0, RetryPolicy(tokens=1000)) == 1000 - 25 * PROCESSES
    await store.aclose()


async def test_twenty_processes_never_pass_one_budget(kit: Any, start: Callable[[str], subprocess.Popen[str]]) -> None:
    store = await kit.open()

    done = json.loads(start(BUY).communicate(timeout=120)[0])
    told = done["told"]

    assert (done["codes"], len(told)) == ([0] * BUYERS, BUYERS)
    assert all(Decimal(each["seen"]) <= Decimal("1.00") for each in told), "at no moment that anybody looked"
    assert sum(each["refused"] for each in told) > 0, "more was wanted than the budget allows"
    bought = sum(each["bought"] for each in told)
    day, month = Account("all", "day"), Account("all", "month")
    spent = await store.spending()
    assert spent[day].settled == spent[month].settled == bought * Decimal("0.02") <= Decimal("1.00")
    assert spent[day].reserved == 0, "nothing is left over"
    assert spent[day].settled > Decimal("0.97") - Decimal("0.02"), "and the budget was used"
    await store.aclose()


async def test_a_killed_process_leaves_a_whole_file_and_an_interrupted_attempt(
    kit: Any, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = start(HANG)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    store = await kit.open()
    assert [run.outcome for run in await store.runs(RunFilter())] == ["running"]

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert [run.outcome for run in await store.runs(RunFilter())] == ["interrupted"]
    assert [run.run_id for run in await store.runs(RunFilter(outcome="interrupted"))] == ["killed"]
    assert [attempt.outcome for attempt in await store.attempts("killed")] == ["interrupted"]
    assert [event.type for event in await store.events("killed")] == ["run_started", "attempt_started", "text_delta"]
    await store.append(kit.answered("after"))
    with closing(sqlite3.connect(kit.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    await store.aclose()


class TestProcess:
    def test_this_one_runs(self) -> None:
        assert is_running(this_process()) is True
        assert is_running(this_process()._replace(started=None)) is True

    def test_one_that_ended_does_not(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()

        assert is_running(this_process()._replace(pid=child.pid, started=None)) is False

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells it")
    def test_one_that_was_killed_does_not_even_before_its_parent_took_note(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert is_running(this_process()._replace(pid=child.pid, started=None)) is False
        child.wait()

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells when a process began")
    def test_another_that_was_given_the_same_number_is_not_it(self) -> None:
        me = this_process()
        assert me.started is not None

        assert is_running(me._replace(started=me.started - 1)) is False

    def test_one_of_another_host_cannot_be_judged_from_here(self) -> None:
        assert is_running(Process("elsewhere", os.getpid(), None)) is None

    def test_one_of_another_user_runs(self) -> None:
        assert is_running(this_process()._replace(pid=1, started=None)) is True

    @pytest.mark.parametrize("pid", [2**31 - 1, 2**70])
    def test_a_number_that_no_process_has_is_none(self, pid: int) -> None:
        assert is_running(this_process()._replace(pid=pid, started=None)) is False
