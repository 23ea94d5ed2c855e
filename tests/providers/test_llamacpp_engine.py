"""The engine's child process, with stand-ins for the engine: what can go wrong before a model serves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from llmesc.escalation.failures import CallFailed, Failure
from llmesc.providers import llamacpp_engine
from llmesc.providers.llamacpp_engine import COMMAND, Engine

pytestmark = pytest.mark.anyio

WITHOUT_PACKAGES = (COMMAND[0], "-S", *COMMAND[1:])
"""The real child, in a Python that sees no installed package."""


def child(script: str) -> Sequence[str]:
    """A stand-in for the engine's child."""
    return (sys.executable, "-c", "import sys, time, os, signal\n" + textwrap.dedent(script))


HELLO = 'print(\'{"engine": "0"}\', flush=True); sys.stdin.readline()\n'


async def failure_of(command: Sequence[str]) -> Failure:
    with pytest.raises(CallFailed) as caught:
        engine = await Engine.spawn(command)
        try:
            await engine.load({})
        finally:
            await engine.aclose()
    return caught.value.failure


async def test_without_the_engine_it_says_how_to_install_it() -> None:
    failure = await failure_of(WITHOUT_PACKAGES)

    assert (failure.kind, failure.rule) == ("model_unavailable", "engine.missing")
    assert "pip install 'llmesc[local]'" in failure.message


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
        ("sys.exit(3)", "ended with code 3"),
        ("sys.exit('0.00.001.002 E out of memory')", "ended with code 1: out of memory"),
    ],
)
@pytest.mark.parametrize("hello", ["", HELLO], ids=["at once", "while loading"])
async def test_a_child_that_dies_is_a_connection_lost_and_says_how(hello: str, script: str, told: str) -> None:
    failure = await failure_of(child(hello + script))

    assert (failure.kind, failure.rule) == ("connection", "engine.died")
    assert failure.message == f"the engine's process {told}"


async def test_weights_that_cannot_be_loaded_are_no_model_and_the_log_says_why() -> None:
    failure = await failure_of(child(HELLO + "print('0.01 E no GGUF', file=sys.stderr); print('{\"failed\": \"see the log\"}')"))

    assert (failure.kind, failure.rule) == ("model_unavailable", "engine.load_failed")
    assert failure.message == "the engine cannot load these weights: no GGUF"


async def test_a_child_that_hangs_is_a_timeout_and_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llamacpp_engine, "LOAD_SECONDS", 0.1)
    monkeypatch.setattr(llamacpp_engine, "STOP_SECONDS", 0.1)
    engine = await Engine.spawn(child(HELLO + "time.sleep(60)"))

    with pytest.raises(CallFailed) as caught:
        await engine.load({})
    await engine.aclose()

    assert (caught.value.failure.kind, caught.value.failure.rule) == ("timeout", "engine.start_timeout")
    assert not engine.running
    assert await engine.death() == "the engine's process was killed by SIGKILL"


async def test_a_command_that_cannot_be_started_is_a_failure_too() -> None:
    failure = await failure_of(["/nonexistent/python"])

    assert (failure.kind, failure.rule) == ("connection", "engine.not_started")


async def test_a_child_that_is_closed_ends_at_once() -> None:
    engine = await Engine.spawn(COMMAND)
    started = time.monotonic()

    await engine.aclose()

    assert not engine.running
    assert time.monotonic() - started < llamacpp_engine.STOP_SECONDS, "it went by itself, not by force"


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
async def test_no_key_stands_on_the_command_line() -> None:
    engine = await Engine.spawn(COMMAND)
    try:
        shown = Path(f"/proc/{engine.pid}/cmdline").read_bytes()
    finally:
        await engine.aclose()

    assert shown.decode().split("\0") == [*COMMAND, ""]
    assert engine.api_key.reveal() not in repr(vars(engine))


async def test_nothing_in_the_working_directory_stands_in_for_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("json", "xllamacpp", "ctypes"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the trap')")

    await (await Engine.spawn(COMMAND)).aclose()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the end of stdin is what ends the child")
async def test_a_child_that_cannot_look_at_stdin_dies_with_its_parent_all_the_same() -> None:
    """A loading engine holds up all of Python; here, a sleep that no end of stdin ends stands for it."""
    deaf = child(
        f"""
        sys.path.insert(0, {os.path.dirname(COMMAND[-1])!r})
        import llamacpp_server
        llamacpp_server.die_with_parent()
        print('{{"engine": "0"}}', flush=True)
        time.sleep(60)
        """
    )
    parent = textwrap.dedent(f"""
        import asyncio, sys
        from llmesc.providers.llamacpp_engine import Engine

        async def main():
            engine = await Engine.spawn({tuple(deaf)!r})
            print(engine.pid, flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        os.kill(pid, 0)
        process.send_signal(signal.SIGKILL)

    await gone(pid)


async def gone(pid: int) -> None:
    """Waits until no such process runs; a zombie that nobody reaps has ended too."""
    stat = Path(f"/proc/{pid}/stat")
    async with asyncio.timeout(5):
        while True:
            try:
                if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                    return
            except (FileNotFoundError, ProcessLookupError):
                return
            await asyncio.sleep(0.02)
