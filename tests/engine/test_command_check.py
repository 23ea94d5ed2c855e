"""Real programs as checks: small Python scripts."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.config.model import QualityCommand
from llmesc.engine import AskOptions, Engine
from llmesc.engine.command_check import PROMPT_BYTES, command_check
from llmesc.engine.slow_check import NoVerdict
from llmesc.escalation.quality import Draft, Finding
from tests.engine.pockets import unlimited

pytestmark = pytest.mark.anyio


@pytest.fixture
def says(tmp_path: Path) -> Any:
    """What a script holds against an answer."""

    async def examine(script: str, draft: Draft) -> Finding | None:
        (tmp_path / "check.py").write_text(script)
        command = QualityCommand(name="style", run=(sys.executable, "check.py"), weight=70, directory=tmp_path)
        return await command_check(command, os.environ).examine(draft, unlimited())

    return examine


async def test_status_zero_holds_nothing_against_the_answer(says: Any) -> None:
    assert await says("print('fine')", Draft(text="Paris")) is None


async def test_status_one_takes_the_weight_with_the_first_line_as_reason(says: Any) -> None:
    script = "import sys; print('no \\x1b[31mcapitals', flush=True); print('more'); sys.exit(1)"

    assert await says(script, Draft(text="Paris")) == Finding("style", 70, "no capitals")
    assert await says("raise SystemExit(1)", Draft(text="Paris")) == Finding("style", 70, "it gives no reason")


async def test_the_answer_is_on_stdin_and_the_prompt_in_the_environment(says: Any) -> None:
    script = "import os, sys; print(ascii((sys.stdin.buffer.read().decode(), os.environ['LLMESC_PROMPT']))); sys.exit(1)"

    found = await says(script, Draft(text="Zürich\n\ud800", prompt="Größte Stadt?\0"))

    assert found.reason == ascii(("Zürich\n?", "Größte Stadt?"))


async def test_a_prompt_too_long_for_a_variable_is_cut_and_a_long_answer_is_not(says: Any) -> None:
    script = "import os, sys; print(len(sys.stdin.read()), len(os.environ['LLMESC_PROMPT'].encode())); sys.exit(1)"

    found = await says(script, Draft(text="x" * 1_000_000, prompt="é" * 500_000))

    assert found.reason == f"1000000 {PROMPT_BYTES}"


async def test_a_program_that_does_not_read_its_stdin_is_no_error(says: Any) -> None:
    assert await says("", Draft(text="x" * 1_000_000)) is None


@pytest.mark.parametrize("status", [2, 127, 255])
async def test_another_status_is_no_verdict(says: Any, status: int) -> None:
    with pytest.raises(NoVerdict, match=f"ended with status {status}; run it by hand"):
        await says(f"raise SystemExit({status})", Draft(text="Paris"))


async def test_a_program_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    command = QualityCommand(name="style", run=("./none.py",), directory=tmp_path)

    with pytest.raises(NoVerdict, match=r"\./none\.py cannot be run \(No such file or directory\)"):
        await command_check(command, os.environ).examine(Draft(text="Paris"), unlimited())


async def test_a_command_that_is_cancelled_is_killed_with_its_children(tmp_path: Path) -> None:
    # Both hold the writing end of the pipe: reading it ends when the last of them is gone.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "check.py").write_text(
        "import subprocess, sys, time\n"
        "pipe = open('pipe', 'w')\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=pipe)\n"
        "print('ready', file=pipe, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = QualityCommand(name="style", run=(sys.executable, "check.py"), directory=tmp_path)
    running = asyncio.ensure_future(command_check(command, os.environ).examine(Draft(text="Paris"), unlimited()))
    with await asyncio.to_thread(pipe.open) as reader:
        assert await asyncio.to_thread(reader.readline) == "ready\n"

        running.cancel()

        with pytest.raises(asyncio.CancelledError):
            await running
        assert await asyncio.wait_for(asyncio.to_thread(reader.read), 30) == ""


async def test_a_command_of_the_configuration_makes_the_run_go_on_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("import sys; bad = 'weak' in sys.stdin.read(); print('too weak'); sys.exit(bad)\n")
    path = tmp_path / "config.toml"
    path.write_text(
        f"[[quality.commands]]\nname = 'style'\nrun = {shlex.join((sys.executable, 'check.py'))!r}\n"
        "[providers.a]\napi = 'simulated'\nmodels = [{ name = 'm', script = { text = 'A weak answer.' } }]\n"
        "[providers.b]\napi = 'simulated'\nmodels = [{ name = 'm', script = { text = 'A strong answer.' } }]\n"
    )
    async with Engine.open(config=load(path, {"LLMESC_STATE": "memory:"})) as engine:
        reply = await engine.ask("hi")
        lax = await engine.ask("hi", AskOptions(quality_threshold=0))

    assert reply.text == "A strong answer."
    assert reply.view.attempts[0].quality is not None
    assert reply.view.attempts[0].quality.reasons == ("style -60: too weak",)
    assert lax.text == "A weak answer."
