"""The engine's child process as seen from here: started, told what to load, watched, stopped."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from llmesc.escalation.failures import FailureKind
from llmesc.escalation.secret import Secret
from llmesc.providers.llamacpp_failure import call_failed

COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("llamacpp_server.py")))
"""`-P`: neither the working directory nor this room may stand in for a module of Python's."""

IMPORT_SECONDS = 30.0
"""What takes longer than this to be imported hangs; a cold disk needs a few seconds."""
LOAD_SECONDS = 300.0
"""What takes longer than this to load hangs. How long a call waits for it is the call's own limit."""
STOP_SECONDS = 2.0
_DEATH_SECONDS = 0.5
"""Within this, a process that closed its connections has also ended, if it has."""

_LOG_TAIL_BYTES = 4096
_LOG_TAIL_LINES = 12
_LOG_PREFIX = re.compile(r"^[\d.]+ [A-Z] ")


class Engine:
    """One child process. Made by `spawn`, ready for calls after `load`, gone after `aclose` or with this process."""

    def __init__(self, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self._process = process
        self._log = log
        self.url = ""
        """Where it serves, once a model is loaded."""
        self.api_key = Secret(secrets.token_urlsafe(32))
        """Keeps the other users of this machine out."""

    @classmethod
    async def spawn(cls, command: Sequence[str] = COMMAND) -> Engine:
        """A child that has imported the engine and waits for `load`. Raises `CallFailed`."""
        # Of this thread: on Linux the child dies with the thread that made it, which is to be the event loop's.
        log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the child lives
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=log)
        except OSError as error:
            log.close()
            raise call_failed(FailureKind.CONNECTION, "engine.not_started", f"the engine cannot be started: {error}") from None
        except BaseException:
            log.close()
            raise
        engine = cls(process, log)
        try:
            await engine._heard("engine", IMPORT_SECONDS)
        except BaseException:
            await engine.aclose()
            raise
        return engine

    async def load(self, settings: Mapping[str, Any]) -> None:
        """Loads and serves a model; see `llamacpp_server.parameters`. Raises `CallFailed`."""
        assert self._process.stdin is not None
        line = json.dumps({**settings, "api_key": self.api_key.reveal()}) + "\n"
        self._process.stdin.write(line.encode())  # fits a pipe; a child that died is noticed by its silence
        self.url = await self._heard("url", LOAD_SECONDS)

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child lives, as far as is known yet."""
        return self._process.returncode is None

    async def death(self) -> str | None:
        """How it died, in words, where a broken connection means that it did."""
        try:
            code = await asyncio.wait_for(self._process.wait(), _DEATH_SECONDS)
        except TimeoutError:
            return None
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with code {code}"
        return ": ".join(filter(None, (f"the engine's process {how}", self._last_words())))

    async def aclose(self) -> None:
        """Ends the child: asked first, then killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._log.close()

    async def _heard(self, word: str, within_seconds: float) -> str:
        """What the child says under `word`, which is due now. Raises `CallFailed` where it says anything else or nothing."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), within_seconds)
        except TimeoutError:
            message = f"the engine was not ready within {within_seconds:g} s"
            raise call_failed(FailureKind.TIMEOUT, "engine.start_timeout", message) from None
        said: dict[str, str] = json.loads(line or b"{}")
        if word in said:
            return said[word]
        if "missing" in said:
            message = f"the embedded engine is not installed: pip install 'llmesc[local]' ({said['missing']})"
            raise call_failed(FailureKind.MODEL_UNAVAILABLE, "engine.missing", message)
        death = await self.death() or "the engine's process closed its output"
        if "failed" in said:
            message = f"the engine cannot load these weights: {self._last_words() or said['failed']}"
            raise call_failed(FailureKind.MODEL_UNAVAILABLE, "engine.load_failed", message)
        raise call_failed(FailureKind.CONNECTION, "engine.died", death)

    def _last_words(self) -> str:
        """The end of the engine's log. Only of a child that has ended: it writes through the same file position."""
        if self._log.closed or self.running:
            return ""
        self._log.seek(max(0, self._log.seek(0, 2) - _LOG_TAIL_BYTES))
        lines = self._log.read().decode(errors="replace").splitlines()
        return " | ".join(_LOG_PREFIX.sub("", line) for line in lines[-_LOG_TAIL_LINES:])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
