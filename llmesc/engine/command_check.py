"""A program of the operator's as a check: the answer on its stdin, the prompt in `$LLMESC_PROMPT`, the verdict in its status."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from llmesc.config.model import QualityCommand
from llmesc.engine.slow_check import NoVerdict, SlowCheck
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.quality import Draft, Finding
from llmesc.escalation.untrusted import one_line

PASSED, FAILED = 0, 1

PROMPT_BYTES = 32_000
"""A longer prompt is cut: more than about 32 kB (Windows) or 128 kB (Linux) in one variable, and no program starts."""
_LINE_BYTES = 2_000


def command_check(command: QualityCommand, environ: Mapping[str, str]) -> SlowCheck:
    """Status 0 passes; 1 fails, with the first line of stdout as the reason; any other is no verdict."""

    async def examine(draft: Draft, _money: JudgePurse) -> Finding | None:
        status, said = await _run(command, draft.text, {**environ, "LLMESC_PROMPT": _fitting(draft.prompt)})
        if status not in (PASSED, FAILED):
            raise NoVerdict(f"{command.run[0]} ended with status {status}; run it by hand to see why")
        return Finding(command.name, command.weight, said or "it gives no reason") if status == FAILED else None

    return SlowCheck(name=command.name, timeout_seconds=command.timeout_seconds, examine=examine)


async def _run(command: QualityCommand, answer: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Status and first line of stdout. Raises `NoVerdict` where the program cannot be started."""
    from tempfile import TemporaryFile

    # Files and no pipes: who does not read the answer is no error, who prints without end fills no memory, and who leaves a
    # child behind with its stdout does not keep us waiting.
    with TemporaryFile() as stdin, TemporaryFile() as stdout:
        stdin.write(answer.encode(errors="replace"))
        stdin.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *command.run,
                stdin=stdin,
                stdout=stdout,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=command.directory,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            raise NoVerdict(f"{command.run[0]} cannot be run ({error.strerror})") from None
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            _kill(process)
            await process.wait()
            raise
        stdout.seek(0)
        return status, one_line(stdout.readline(_LINE_BYTES).decode(errors="replace"))


def _kill(process: asyncio.subprocess.Process) -> None:
    """With its children, where the system knows groups of processes."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _fitting(prompt: str) -> str:
    return prompt.replace("\0", "").encode(errors="replace")[:PROMPT_BYTES].decode(errors="ignore")
