"""Real parts: our fault server on loopback in a thread of its own, and the command line in processes of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmesc.providers.faults import FaultServer


class ServerThread:
    """A fault server whose loop runs beside the test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = FaultServer()
        self.do(self.server.listen())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def close(self) -> None:
        self.do(self.server.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


@pytest.fixture
def sick() -> Iterator[ServerThread]:
    """The server that will be told to fail."""
    thread = ServerThread()
    yield thread
    thread.close()


@pytest.fixture
def well() -> Iterator[ServerThread]:
    """The one that stays healthy."""
    thread = ServerThread()
    yield thread
    thread.close()


@dataclass
class Done:
    """One command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """The command line with one configuration and one state, each command in a process of its own."""

    folder: Path
    config: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmesc", *arguments]

    def env(self) -> dict[str, str]:
        import os

        path = self.folder / "config.toml"
        path.write_text(self.config)
        return os.environ | {
            "LLMESC_HOME": str(self.folder / "llmesc"),
            "LLMESC_CONFIG": str(path),
            **self.environment,
        }

    def run(self, *arguments: str, stdin: str | bytes = "") -> Done:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(self.argv(*arguments), env=self.env(), input=data, capture_output=True, check=False, timeout=60)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*arguments),
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def chain() -> Callable[[ServerThread, ServerThread], str]:
    """A configuration of `a/m` at the sick server and `b/m` at the well one, with times short enough for a test."""

    def config(sick: ServerThread, well: ServerThread) -> str:
        return f"""
[timeouts]
connect = "2s"
first_token = "1s"
stall = "1s"
total = "20s"
min_rate = {{ characters_per_second = 30, over = "1s" }}
[providers.a]
api = "openai"
tier = "vllm"
base_url = "{sick.server.base_url}"
models = ["m"]
[providers.b]
api = "openai"
tier = "cloud"
base_url = "{well.server.base_url}"
models = ["m"]
[chains]
default = ["a/m", "b/m"]
"""

    return config
