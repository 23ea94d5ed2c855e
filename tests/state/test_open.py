"""From a URL to a store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.circuits import Admission, CircuitPolicy, Refusal
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.memory import MemoryStore
from llmesc.state.open import open_store, resilient_store
from llmesc.state.process import this_process
from llmesc.state.sqlite import SqliteStore
from llmesc.state.store import StateUnavailable

pytestmark = pytest.mark.anyio


async def test_memory(kit: Any) -> None:
    assert isinstance(await open_store("memory:", clock=kit.clock, policy=kit.policy), MemoryStore)


async def test_sqlite_with_folders_that_are_not_there_yet(kit: Any) -> None:
    path = kit.folder / "deep" / "with space" / "state.db"

    store = await open_store(f"sqlite://{path}", clock=kit.clock, policy=kit.policy)

    assert isinstance(store, SqliteStore)
    assert (await store.check())["place"] == str(path)
    await store.aclose()


@pytest.mark.parametrize("url", ["", "state.db", "sqlite:state.db", "sqlite://state.db", "redis:host", "postgres://:hunter2@x"])
async def test_anything_else_is_refused_and_no_password_shown(kit: Any, url: str) -> None:
    with pytest.raises(StateUnavailable, match="write memory:, sqlite:///") as refused:
        await open_store(url, clock=kit.clock, policy=kit.policy)

    assert "hunter2" not in str(refused.value)


def test_without_the_extra_a_redis_url_says_what_to_install() -> None:
    code = (
        "import asyncio, sys; sys.modules['redis'] = None\n"
        "from llmesc.engine.clock import SystemClock\n"
        "from llmesc.escalation.circuits import CircuitPolicy\n"
        "from llmesc.state.open import open_store\n"
        "asyncio.run(open_store('redis://:hunter2@host', clock=SystemClock(), policy=CircuitPolicy()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True
    )

    assert done.stderr.endswith("StateUnavailable: a state on Redis needs the extra `redis`: pip install 'llmesc[redis]'\n")


async def test_by_default_jitter_is_drawn_and_each_token_is_new(kit: Any) -> None:
    store = await open_store("memory:", clock=kit.clock, policy=CircuitPolicy(jitter=1.0))
    waits, tokens = set(), set()
    for number in range(3):
        key = CircuitKey("lab", f"gpu{number}")
        await store.signal(key, kit.failed(trip=True))
        refused = await store.admit(key)
        assert isinstance(refused, Refusal)
        assert refused.retry_at is not None
        waits.add(refused.retry_at - kit.clock.now())
        kit.clock.seconds += 120
        probe = await store.admit(key)
        assert isinstance(probe, Admission)
        tokens.add(probe.token)

    assert all(60 <= wait < 120 for wait in waits)
    assert (len(waits), len(tokens), None in tokens) == (3, 3, False)


async def test_a_resilient_store_opens_nothing_before_it_is_used_and_spools_where_it_was_told(kit: Any) -> None:
    warnings: list[str] = []
    kit.folder.mkdir()
    kit.path.mkdir()
    spool = kit.folder / "spool"
    store = resilient_store(
        f"sqlite://{kit.path}", clock=kit.clock, policy=kit.policy, spool_directory=spool, warn=warnings.append
    )
    assert warnings == []

    await store.append(kit.answered())

    assert len(warnings) == 1
    assert len(list(spool.iterdir())) == 1
    await store.aclose()


@pytest.mark.parametrize("heavy", ["asyncio", "sqlite3", "random", "socket", "uuid", "redis"])
def test_what_is_heavy_is_loaded_where_it_is_needed(heavy: str) -> None:
    code = f"import sys, llmesc.state.open; sys.exit({heavy!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


async def test_a_store_in_memory_leaves_what_others_spooled_for_one_that_lasts(kit: Any) -> None:
    folder = kit.folder / "spool"
    folder.mkdir(parents=True)
    host, pid, _ = this_process()
    waiting = folder / f"{host}.{pid}.1.000000.jsonl"  # of a process that had this number before
    waiting.write_text("[]\n")
    store = resilient_store("memory:", clock=kit.clock, policy=kit.policy, spool_directory=folder, warn=pytest.fail)

    await store.direct()

    assert [path.name for path in folder.iterdir()] == [waiting.name]
