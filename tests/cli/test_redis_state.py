"""Hosts that share one Redis, by the command line: what one learned all know, and the password is on no screen and in no file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.redis_server import RedisServer

Llmesc = Callable[..., Any]

CONFIG = """
state = "{url}"
[providers.down]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = [{{ fail = "401" }}] }}]
[providers.up]
api = "simulated"
tier = "cloud"
models = [{{ name = "m", script = [{{ text = "Forty-two." }}] }}]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", "--requirepass", "hunter2")
    yield server.start()
    server.stop()


@pytest.fixture
def host(server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes llmesc run as on that host: with files of its own, and the Redis of all."""

    def use(name: str, url: str = "") -> Path:
        home = tmp_path / name
        monkeypatch.setenv("LLMESC_HOME", str(home))
        file = home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        url = url or f"redis://:hunter2@127.0.0.1:{server.port}/0?timeout=10s"
        file.write_text(CONFIG.format(url=url))
        monkeypatch.setenv("LLMESC_CONFIG", str(file))
        return home

    return use


def test_what_one_host_learned_all_know(llmesc: Llmesc, host: Callable[..., Path]) -> None:
    host("one")
    assert llmesc("ask", "hi").out == "Forty-two.\n"
    llmesc("models", "deny", "up/m", "--why", "too dear")

    host("two")
    circuits = {line["circuit"]: line["state"] for line in json.loads(llmesc("circuits", "--json").out)}
    assert circuits["down"] == "open"
    assert [run["outcome"] for run in json.loads(llmesc("history", "--json").out)] == ["answered"]
    llmesc("models", "allow", "up/m")
    llmesc("circuits", "reset", "down")

    host("one")
    assert {line["state"] for line in json.loads(llmesc("circuits", "--json").out)} == {"closed"}
    assert llmesc("ask", "hi").out == "Forty-two.\n"


def test_doctor_tells_of_the_redis_and_of_what_waits_for_it(
    llmesc: Llmesc, host: Callable[..., Path], server: RedisServer
) -> None:
    host("one")
    assert "Valkey" in llmesc("doctor").out or "Redis" in llmesc("doctor").out

    server.kill()
    away = llmesc("ask", "hi")
    done = llmesc("doctor")

    assert (away.code, away.out) == (0, "Forty-two.\n")
    assert f"going on without the state: redis://127.0.0.1:{server.port}/0 is not there: the connection is refused" in away.err
    assert "1 file of records in" in done.out
    assert done.code == 1
    server.start()
    assert [run["outcome"] for run in json.loads(llmesc("history", "--json").out)] == ["answered"]
    assert "of records in" not in llmesc("doctor").out


def test_a_command_that_starts_while_it_is_away_skips_what_was_open(
    llmesc: Llmesc, host: Callable[..., Path], server: RedisServer
) -> None:
    host("one")
    assert "attempt_started" in [json.loads(line)["type"] for line in llmesc("ask", "hi", "--jsonl").out.splitlines()]
    server.kill()

    done = llmesc("ask", "hi", "--json")

    told = json.loads(done.out)
    assert [(skip["ref"], skip["reason"]) for skip in told["skipped"]] == [("down/m", "circuit_open")]
    assert told["answer"]["text"] == "Forty-two."
    assert "; circuits as they were " in done.err


def test_while_it_is_silent_the_answer_comes_all_the_same(llmesc: Llmesc, host: Callable[..., Path], server: RedisServer) -> None:
    host("one", f"redis://:hunter2@127.0.0.1:{server.port}/0")
    server.pause()

    done = llmesc("ask", "hi")

    assert (done.code, done.out) == (0, "Forty-two.\n")
    assert "warning: going on without the state: " in done.err
    assert "does not answer within 200 ms" in done.err
    server.resume()
    host("one")  # with a time-out for machines that do other things beside
    assert [run["outcome"] for run in json.loads(llmesc("history", "--json").out)] == ["answered"]


@pytest.mark.parametrize("wrong", ["", "99", "wrong"])
def test_the_password_is_shown_nowhere(
    llmesc: Llmesc, host: Callable[..., Path], server: RedisServer, tmp_path: Path, wrong: str
) -> None:
    url = f"redis://ann:hunter2{wrong}@127.0.0.1:{server.port}/0?timeout=10s&sentinel_password=hunter3"
    home = host("one", url)
    shown = [
        llmesc(*command)
        for command in (
            ["ask", "hi", "-v"],
            ["ask", "hi", "--jsonl"],
            ["config", "show"],
            ["config", "show", "--json"],
            ["config", "check"],
            ["doctor"],
            ["doctor", "--json"],
            ["circuits"],
            ["--state", url, "history"],
            ["--state", f"{url}&colour=red", "history"],
            ["--state", f"{url}&colour=red", "ask", "hi"],
        )
    ]
    file = home / "config" / "config.toml"
    file.write_text(file.read_text().replace("timeout=10s", "timeout=fast"))
    shown += [llmesc("config", "check"), llmesc("ask", "hi")]

    for done in shown:
        assert "hunter" not in done.out + done.err
    assert 'state: found "redis://***@127.0.0.1' in shown[-1].err
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != file and "redis" not in path.parts]
    assert [path for path in kept if b"hunter" in path.read_bytes()] == []


def test_config_check_names_what_is_doubtful(llmesc: Llmesc, host: Callable[..., Path]) -> None:
    host("one", "redis://:hunter2@redis.example/0")
    told = llmesc("config", "check").err
    assert "state: the password stands in the file; better ?password_env=NAME" in told
    assert "state: the password leaves the machine in clear over redis://" in told

    host("one", "rediss://redis.example/0?password_env=TEAM_REDIS")
    assert llmesc("config", "check").err == (
        "warning: state: the environment variable TEAM_REDIS is not set; export TEAM_REDIS=…\n"
        "warning: chains.default: has 2 candidates, and max_attempts is 3; add some, or lower max_attempts\n"
    )
