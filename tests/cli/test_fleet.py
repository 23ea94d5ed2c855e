"""`llmesc fleet` on the command line: what it lists, and what it says where something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.fleet.messages import Serving, WorkerSays, write
from tests.redis_server import RedisServer

Llmesc = Callable[..., Any]
PREFIX = "{llmesc}:fleet:"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis").start()
    config = tmp_path / "config.toml"
    providers = '[providers.lab]\napi = "simulated"\nmodels = [{ name = "m", context_window = 8192 }]\n'
    config.write_text(f'state = "memory:"\n[fleet]\nurl = "{server.url}"\n{providers}')
    monkeypatch.setenv("LLMESC_CONFIG", str(config))
    yield server
    server.stop()


def lives(server: RedisServer, name: str, **more: Any) -> None:
    says: dict[str, Any] = {
        "name": name,
        "host": "h\x1b[31m",
        "pid": 1,
        "version": "1",
        "started": 1.0,
        "serves": (Serving(lane="m@8k", reference="lab/m"),),
        "concurrency": 2,
        "queue": 3,
        **more,
    }
    server.ask("HSET", f"{PREFIX}about", name, " " + write(WorkerSays(**says)).decode())
    server.ask("ZADD", f"{PREFIX}workers", "9999999999999", name)


def test_it_lists_who_lives_tab_separated_and_as_json(llmesc: Llmesc, server: RedisServer) -> None:
    lives(server, "w1", running=1, tokens_per_second=12.5)
    lives(server, "w2", draining=True)
    server.ask("HSET", f"{PREFIX}about", "liar", " not a worker")
    server.ask("ZADD", f"{PREFIX}workers", "9999999999999", "liar")

    rows = [line.split("\t") for line in llmesc("fleet").out.splitlines()]
    listed = json.loads(llmesc("fleet", "list", "--json").out)

    assert [row[:5] for row in rows] == [["w1", "ready", "m@8k", "1/2", "12.5"], ["w2", "draining", "m@8k", "0/2", "0"]]
    assert [worker["name"] for worker in listed["workers"]] == ["w1", "w2"]
    assert listed["lanes"] == [{"lane": "m@8k", "workers": ["w1", "w2"], "waiting": 0, "running": 0, "room": 5}]
    assert listed["tokens_per_second"] == 12.5


def test_it_shows_a_worker_and_a_lane_and_steers_no_terminal(llmesc: Llmesc, server: RedisServer) -> None:
    lives(server, "w1")

    worker, lane = llmesc("fleet", "show", "w1"), llmesc("fleet", "show", "m@8k")

    assert "serves m@8k\tlab/m" in worker.out
    assert {"started\t1970-01-01T00:00:01.000000Z", "draining\tfalse", "tokens_per_second\t0.0"} <= set(worker.out.splitlines())
    seen = llmesc("fleet", "show", "w1", terminals="out").out.splitlines()
    assert ["tokens per second", "0.0"] in [line.split("  ", 1) for line in seen]
    assert "\x1b" not in worker.out
    assert "lane m@8k\t0 running, 0 waiting, room for 5" in lane.out
    assert json.loads(llmesc("fleet", "show", "w1", "--json").out)["name"] == "w1"
    unknown = llmesc("fleet", "show", "w9")
    assert (unknown.code, unknown.err) == (2, "error: no worker or lane 'w9'; nearest: w1, m@8k\nnext: llmesc fleet list\n")


def test_draining_tells_the_worker_and_refuses_a_stranger(llmesc: Llmesc, server: RedisServer) -> None:
    lives(server, "w1")

    assert llmesc("fleet", "drain", "w1").out == "w1: takes no more; 0 running\n"
    assert "drain" in server.ask("XRANGE", f"{PREFIX}mail:w1", "-", "+")
    assert llmesc("fleet", "drain", "w1", "w9").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--serve", "lab/n"), 2, "lab/m"),
        (("--serve", "lab/m", "--lanes", "32k"), 2, "does not fit the lane"),
        (("--serve", "lab/m", "--name", "a b"), 2, "no name for a worker"),
        (("--serve", "lab/m", "--concurrency", "0"), 2, "concurrency"),
        ((), 2, "--serve"),
    ],
)
def test_a_worker_that_cannot_serve_says_so_and_ends(
    llmesc: Llmesc, server: RedisServer, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = llmesc("fleet", "worker", *arguments)
    assert done.code == code
    assert words in done.err


def test_without_a_redis_it_says_where_to_name_one(llmesc: Llmesc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "bare.toml"
    config.write_text('state = "memory:"\n[providers.lab]\napi = "simulated"\nmodels = ["m"]\n')
    monkeypatch.setenv("LLMESC_CONFIG", str(config))

    done = llmesc("fleet", "list")

    assert done.code == 5
    assert "fleet.url" in done.err


@pytest.mark.parametrize("command", [("list",), ("show", "w1"), ("drain", "w1"), ("worker", "--serve", "lab/m")])
def test_without_the_client_of_a_redis_it_says_what_to_install(command: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    providers = '[providers.lab]\napi = "simulated"\nmodels = [{ name = "m", context_window = 8192 }]\n'
    config.write_text(f'state = "memory:"\n[fleet]\nurl = "redis://localhost:1/0"\n{providers}')
    code = "import sys; sys.modules['redis'] = None\nfrom llmesc.cli.main import main\nsys.exit(main(sys.argv[1:]))"

    done = subprocess.run(
        [sys.executable, "-c", code, "--config", str(config), "fleet", *command], check=False, capture_output=True, text=True
    )

    said = ["error: the fleet meets at a Redis, and its client is not installed", "next: pip install 'llmesc[redis]'"]
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (5, "", said)


def test_a_redis_that_is_away_is_said(llmesc: Llmesc, server: RedisServer) -> None:
    server.kill()

    done = llmesc("fleet", "worker", "--serve", "lab/m")

    assert done.code == 1
    assert "connection is refused" in done.err
