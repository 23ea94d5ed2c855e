"""The fleet as its users have it: a worker and those who ask in processes and homes of their own, at one real Redis."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Done, Shell
from tests.redis_server import RedisServer

PATIENCE_SECONDS = 60.0

WORKER = """
[fleet]
url = "{url}"
{key}
[providers.lab]
api = "simulated"
tier = "local"
models = [
  {{ name = "brief", context_window = 8192, script = [{{ text = "Served by the fleet." }}] }},
  {{ name = "long", context_window = 8192, script = [{{ text = "{long}", tokens_per_second = 20 }}] }},
  {{ name = "middling", context_window = 8192, script = [{{ text = "{middling}", tokens_per_second = 20 }}] }},
  {{ name = "limited", script = [{{ fail = "rate_limit", retry_after = 7 }}] }},
]
"""

ASKER = """
[fleet]
url = "{url}"
{key}
[providers.gpu]
api = "fleet"
models = ["brief", "middling", "long", "limited", "unserved"]
[providers.cloud]
api = "simulated"
tier = "cloud"
models = [{{ name = "m", script = [{{ text = "From the next tier." }}] }}]
[chains]
default = ["gpu/brief", "cloud/m"]
middling = ["gpu/middling", "cloud/m"]
long = ["gpu/long", "cloud/m"]
limited = ["gpu/limited", "cloud/m"]
unserved = ["gpu/unserved", "cloud/m"]
"""

LONG = " ".join(f"word{number}" for number in range(2_000))
MIDDLING = LONG[: LONG.index(" word120")]


SERVED = ("lab/brief", "lab/middling", "lab/long", "lab/limited")


class Fleet:
    """One Redis, and hosts around it."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis").start()
        self.key = key
        self._workers: list[subprocess.Popen[str]] = []

    def host(self, name: str, config: str = ASKER, key: str | None = None) -> Shell:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        key = self.key if key is None else key
        said = f'key = "{key}"' if key else ""
        return Shell(folder, config.format(url=self.redis.url, key=said, long=LONG, middling=MIDDLING))

    def worker(self, name: str, *options: str, serve: tuple[str, ...] = SERVED) -> Any:
        served = [part for reference in serve for part in ("--serve", reference)]
        process = self.host(name, WORKER).start("fleet", "worker", "--name", name, *served, *options)
        self._workers.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "serves" in line, line + process.stderr.read()
        return process

    def see(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The fleet, as soon as it is so."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            seen: dict[str, Any] = self.host("operator").run("fleet", "list", "--json").json()
            if holds(seen):
                return seen
            assert time.monotonic() < give_up, seen
            time.sleep(0.1)

    def close(self) -> None:
        for process in self._workers:
            process.kill()
            process.communicate()
        self.redis.stop()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    yield made
    made.close()


def first_text(process: subprocess.Popen[str]) -> str:
    """The first text of a streamed answer."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == "text_delta":
            return str(event["text"])
    raise AssertionError("no text came")


def the_rest(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return [json.loads(line) for line in out.splitlines()]


def ended(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Done(process.returncode, out, err)


def test_a_worker_serves_two_hosts_and_each_end_records_the_other(fleet: Fleet) -> None:
    fleet.worker("w1")

    for name in ("one", "two"):
        done = fleet.host(name).run("ask", "hi", "--json", "--correlation", f"trace-{name}")
        answer = done.json()
        assert answer["answer"]["text"] == "Served by the fleet."
        (attempt,) = answer["attempts"]
        worker, _, run_id = attempt["request_id"].partition("/")
        there = fleet.host("w1", WORKER).run("history", "show", run_id, "--json").json()
        assert worker == "w1"
        assert there["caller"]["correlation"] == f"trace-{name}"
        assert there["caller"]["for_attempt"] == f"{answer['run_id']}.1"
        assert there["caller"]["command"] == "fleet worker"

    seen = fleet.see(lambda seen: seen["workers"][0]["answered"] == 2)
    assert {lane["lane"] for lane in seen["lanes"]} == {"brief@8k", "middling@8k", "long@8k", "limited@any"}


def test_a_failure_keeps_its_kind_and_its_time(fleet: Fleet) -> None:
    fleet.worker("w1")

    done = fleet.host("one").run("ask", "hi", "--chain", "limited", "--json").json()

    assert done["answer"]["text"] == "From the next tier."
    failure = done["attempts"][0]["failure"]
    assert (failure["kind"], failure["retry_after_seconds"], failure["status"]) == ("rate_limit", 7.0, 429)


def test_a_lane_without_a_worker_is_passed_over_at_once(fleet: Fleet) -> None:
    fleet.worker("w1")

    done = fleet.host("one").run("ask", "hi", "--chain", "unserved", "--json").json()

    assert done["answer"]["text"] == "From the next tier."
    assert done["attempts"][0]["failure"]["rule"] == "fleet.no_worker"


def test_a_worker_that_is_killed_in_mid_answer_ends_in_a_good_answer_from_the_next_tier(fleet: Fleet) -> None:
    worker = fleet.worker("w1")
    asking = fleet.host("one").start("ask", "hi", "--chain", "long", "--jsonl")
    assert LONG.startswith(first_text(asking))

    worker.kill()

    events = the_rest(asking)
    (failed,) = [event for event in events if event["type"] == "provider_failed"]
    assert failed["failure"]["rule"] == "fleet.worker_lost"
    assert failed["failure"]["kind"] == "connection"
    assert events[-1]["answer"]["text"] == "From the next tier."
    assert asking.returncode == 0


def test_redis_killed_in_mid_answer_costs_neither_the_answer_nor_a_record(fleet: Fleet) -> None:
    fleet.worker("w1")
    one = fleet.host("one")
    asking = one.start("ask", "hi", "--chain", "long", "--jsonl")
    first_text(asking)

    fleet.redis.kill()

    events = the_rest(asking)
    (failed,) = [event for event in events if event["type"] == "provider_failed"]
    assert failed["failure"]["rule"] == "fleet.redis_away"
    assert events[-1]["answer"]["text"] == "From the next tier."
    recorded = one.run("history", "show", events[-1]["run_id"], "--json").json()
    assert [attempt["outcome"] for attempt in recorded["attempts"]] == ["error", "success"]

    fleet.redis.start()  # and the worker serves again
    fleet.see(lambda seen: bool(seen["workers"]))
    again = one.run("ask", "hi", "--json").json()
    assert again["attempts"][0]["ref"] == "gpu/brief"
    assert again["answer"]["text"] == "Served by the fleet."


def test_who_leaves_is_noticed_by_the_worker(fleet: Fleet) -> None:
    fleet.worker("w1")
    asking = fleet.host("one").start("ask", "hi", "--chain", "long", "--jsonl")
    first_text(asking)
    fleet.see(lambda seen: seen["workers"][0]["running"] == 1)

    asking.send_signal(signal.SIGINT)
    asking.communicate(timeout=PATIENCE_SECONDS)

    fleet.see(lambda seen: seen["workers"][0]["running"] == 0)
    outcomes = fleet.host("w1", WORKER).run("history", "list", "--json").json()
    assert [run["outcome"] for run in outcomes] == ["cancelled"]


@pytest.mark.parametrize("how", ["signal", "word"])
def test_a_drained_worker_finishes_what_it_has_begun_and_leaves(fleet: Fleet, how: str) -> None:
    worker = fleet.worker("w1")
    asking = fleet.host("one").start("ask", "hi", "--chain", "middling", "--jsonl")
    first_text(asking)

    if how == "signal":
        worker.send_signal(signal.SIGTERM)
    else:
        assert fleet.host("operator").run("fleet", "drain", "w1").code == 0
    fleet.see(lambda seen: not seen["workers"] or seen["workers"][0]["draining"])
    fresh = fleet.host("two").run("ask", "hi", "--json").json()

    assert fresh["answer"]["text"] == "From the next tier."
    assert the_rest(asking)[-1]["answer"]["text"] == MIDDLING
    assert ended(worker).code == 0


def test_without_the_key_nobody_is_served_and_nobody_is_believed(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, key="shared-by-all-of-us")
    try:
        fleet.worker("w1")
        assert fleet.host("one").run("ask", "hi", "--json").json()["answer"]["text"] == "Served by the fleet."

        unsigned = fleet.host("none", key="").run("ask", "hi", "--json").json()
        wrong = fleet.host("wrong", key="another").run("ask", "hi", "--json").json()

        assert unsigned["attempts"][0]["failure"]["rule"] == "worker.unsigned"
        assert wrong["attempts"][0]["failure"]["rule"] == "fleet.no_worker"  # who signs otherwise is none of its workers
    finally:
        fleet.close()
