"""A lock between processes that dies with its holder."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from llmesc.providers.file_lock import locked

pytestmark = pytest.mark.anyio

HOLD = """
import asyncio, sys
from pathlib import Path
from llmesc.providers.file_lock import locked

async def main():
    async with locked(Path(sys.argv[1]), lambda: None):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def holder(path: Path) -> subprocess.Popen[bytes]:
    """Another process that has the lock until its stdin ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


async def test_who_comes_second_is_told_once_and_waits(tmp_path: Path) -> None:
    told: list[str] = []
    order: list[str] = []
    waiting = asyncio.Event()

    def on_wait() -> None:
        told.append("wait")
        waiting.set()

    async def second() -> None:
        async with locked(tmp_path / "lock", on_wait):
            order.append("second")

    async with locked(tmp_path / "lock", lambda: told.append("never")):
        other = asyncio.create_task(second())
        await waiting.wait()
        order.append("first")
    await other

    assert (order, told) == (["first", "second"], ["wait"])


async def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        waiting = asyncio.Event()

        async def take() -> None:
            async with locked(tmp_path / "lock", waiting.set):
                pass

        taking = asyncio.create_task(take())
        await waiting.wait()
        assert not taking.done()
        process.kill()

        await asyncio.wait_for(taking, 10)


async def test_a_wait_that_is_cancelled_holds_nothing(tmp_path: Path) -> None:
    waiting = asyncio.Event()

    async def take() -> None:
        async with locked(tmp_path / "lock", waiting.set):
            raise AssertionError("the lock was held elsewhere")

    async with locked(tmp_path / "lock", lambda: None):
        taking = asyncio.create_task(take())
        await waiting.wait()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

    async with locked(tmp_path / "lock", lambda: pytest.fail("it is free")):
        pass
