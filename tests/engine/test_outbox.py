"""When sinks get what was recorded: after the answer, by this process or the next, whatever is down."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import Engine
from llmesc.state import outbox
from tests.hook_receiver import Hook, hooked
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

CONFIG = """
state = "{state}"
[records]
exit_wait = "{exit_wait}"
capture = "{capture}"
[[records.sinks]]
name = "a"
{sink}
[providers.demo]
api = "simulated"
tier = "local"
models = ["m"]
"""
JSONL = 'kind = "jsonl"\npath = "events.jsonl"'

Configured = Callable[..., Path]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    def write(sink: str = JSONL, state: str = "", exit_wait: str = "60s", capture: str = "full") -> Path:
        file = tmp_path / "config.toml"
        state = state or f"sqlite://{tmp_path}/state.db"
        file.write_text(CONFIG.format(sink=sink, state=state, exit_wait=exit_wait, capture=capture))
        return file

    return write


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMESC_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "state" / "spool"


def to(hook: Hook) -> str:
    return f'kind = "webhook"\nurl = "{hook.url}"\nsecret = {{ env = "HOOK_SECRET" }}\ntimeout = "120s"'


async def ask(file: Path, prompt: str = "hi", warned: list[str] | None = None) -> str:
    said = [] if warned is None else warned
    async with Engine.open(config_file=file, on_warning=said.append) as engine:
        return (await engine.ask(prompt)).run_id


def runs(file: Path) -> dict[str, list[int]]:
    """The seqs in the file beside the configuration, by run."""
    found: dict[str, list[int]] = {}
    for line in (file.parent / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        found.setdefault(event["run_id"], []).append(event["seq"])
    return found


async def test_a_run_is_delivered_when_its_engine_ends(configured: Configured) -> None:
    file = configured()

    first, second = await ask(file), await ask(file)

    found = runs(file)
    assert list(found) == [first, second]
    assert all(seqs == list(range(len(seqs))) for seqs in found.values())


async def test_an_engine_that_lives_on_delivers_beside(configured: Configured) -> None:
    file = configured()
    async with Engine.open(config_file=file) as engine:
        run_id = (await engine.ask("hi")).run_id
        async with asyncio.timeout(60):
            while not (file.parent / "events.jsonl").exists() or run_id not in runs(file):
                await asyncio.sleep(0.05)
            while (await engine.outbox.status())[0].waiting:
                await asyncio.sleep(0.05)


async def test_a_sink_that_hangs_costs_no_more_than_the_time_at_the_end_and_that_once(
    configured: Configured, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s")
    hook.hangs = True
    file = configured(to(hook), exit_wait="3s")
    await ask(file)
    began = time.monotonic()
    for _ in range(3):
        await ask(file)
    took = time.monotonic() - began

    assert len(hook.requests) >= 1
    assert took < 60, "nobody waited for what hangs until it gives up by itself"
    async with Engine.open(config_file=file) as engine:
        (status,) = await engine.outbox.status()
        assert (status.delivered, status.waiting > 20, status.failures >= 1) == (0, True, True)
        assert status.last_error == "no answer in the time that there was"
        hook.hangs = False
        assert await engine.outbox.flush() == {"a": "nothing"}
    assert len({item["run_id"] for item in hook.taken}) == 4
    assert max(Counter(item["id"] for item in hook.taken).values()) == 1


async def test_a_secret_that_is_missing_is_told_and_nothing_is_lost(
    configured: Configured, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = configured(to(hook))
    await ask(file)
    async with Engine.open(config_file=file) as engine:
        (status,) = await engine.outbox.status()
        assert "HOOK_SECRET is not set" in status.last_error
        (check,) = [check for check in await engine.operations.doctor() if check.name == "sink:a"]
        assert (check.status, "HOOK_SECRET" in check.detail) == ("failed", True)

    monkeypatch.setenv("HOOK_SECRET", "s")
    async with Engine.open(config_file=file) as engine:
        assert await engine.outbox.flush() == {"a": "nothing"}
    assert hook.requests[0][0]["x-llmesc-signature"].startswith("sha256=")
    assert [item["seq"] for item in hook.taken] == list(range(len(hook.taken)))


async def test_what_the_state_could_not_take_is_delivered_when_it_is_back(configured: Configured, tmp_path: Path) -> None:
    wall = tmp_path / "wall"
    wall.write_text("a file where a folder should be")
    file = configured(state=f"sqlite://{wall}/state.db")
    warned: list[str] = []
    away = await ask(file, warned=warned)
    assert not (tmp_path / "events.jsonl").exists()
    assert "going on without the state" in warned[0]

    wall.unlink()
    back = await ask(file)

    found = runs(file)
    assert list(found) == [away, back]
    assert all(seqs == list(range(len(seqs))) for seqs in found.values())


async def test_what_goes_out_is_what_was_captured(configured: Configured) -> None:
    file = configured(capture="metadata")

    await ask(file, "Where do tangerine herons sleep?")

    told = (tmp := file.parent / "events.jsonl").read_text()
    assert "heron" not in told
    assert "run_finished" in told
    assert tmp.stat().st_mode & 0o077 == 0


async def test_a_sink_that_is_new_begins_now_and_one_that_is_gone_is_forgotten_in_time(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = configured()
    before = configured().read_text()
    file.write_text(before.replace('[[records.sinks]]\nname = "a"\n' + JSONL, ""))
    await ask(file)
    file.write_text(before)
    first = await ask(file)
    assert list(runs(file)) == [first]

    file.write_text(before.replace('name = "a"', 'name = "b"'))
    await ask(file)
    async with Engine.open(config_file=file) as engine:
        assert [(status.name, status.kind) for status in await engine.outbox.status()] == [("b", "jsonl"), ("a", "forgotten")]
        store = await engine._store.direct()
        monkeypatch.setattr(outbox, "SEEN_AGAIN_SECONDS", -1e9)
    async with Engine.open(config_file=file) as engine:
        store = await engine._store.direct()
        assert list(await store.sinks()) == ["b"]


async def test_hosts_on_one_redis_share_how_far_a_sink_is(
    configured: Configured, redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = configured(state=f"{redis_server.url}&prefix=hosts&timeout=10s")

    ids = await asyncio.gather(*(ask(file) for _ in range(6)))
    async with Engine.open(config_file=file) as engine:
        assert await engine.outbox.flush() == {"a": "nothing"}
        (status,) = await engine.outbox.status()

    found = runs(file)
    assert set(found) == set(ids)
    assert all(sorted(seqs) == list(range(len(seqs))) for seqs in found.values()), "each once: one delivers at a time"
    assert (status.waiting, status.delivered) == (0, sum(map(len, found.values())))


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.start()
    server.stop()


async def test_without_sinks_nothing_is_begun_or_loaded(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'state = "sqlite://{tmp_path}/s.db"\n[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    async with Engine.open(config=load(file, os.environ)) as engine:
        await engine.ask("hi")
        tasks: Any = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
        assert not [name for name in tasks if "Outbox" in name]
        assert await engine.outbox.status() == []
        assert await engine.outbox.flush() == {}
