"""Runs the mock, names its addresses, and proves that it does not count."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

MOCK = Path(__file__).with_name("mock.py")
HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Provider:
    """Where the mock listens, and a port where nobody does."""

    port: int
    refusing_port: int

    def base(self, route: str, host: str = "127.0.0.1") -> str:
        """The base URL under which a request comes to what the mock's documentation calls so."""
        return f"http://{host}:{self.refusing_port if route == 'refused' else self.port}/{route}/v1"

    def bases(self, *routes: str) -> list[str]:
        """A chain. Each on a host of its own: what fails at one host says something about all that stand on it."""
        return [self.base(route, host) for route, host in zip(routes, HOSTS, strict=False)]

    def counts(self) -> dict[str, int]:
        """Requests of each route since this was last asked."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/counts") as response:
            counted: dict[str, int] = json.load(response)
        return counted

    def calls_a_second(self, seconds: float = 1.0) -> float:
        """How many calls a blocking socket makes of it, one after the other: what any client's figure is to be held against."""
        request = b"POST /ok/v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
        with closing(socket.create_connection(("127.0.0.1", self.port))) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            calls, began = 0, time.perf_counter()
            while (passed := time.perf_counter() - began) < seconds:
                connection.sendall(request)
                connection.recv(65536)  # a canned answer is one write of under 1 KB
                calls += 1
        return calls / passed


@contextmanager
def running(folder: Path) -> Iterator[Provider]:
    """The mock, in a process of its own."""
    port_file = folder / "port"
    with (
        closing(socket.socket()) as deaf,
        subprocess.Popen([sys.executable, str(MOCK), str(port_file)], stdout=subprocess.PIPE, text=True) as process,
    ):
        deaf.bind(("127.0.0.1", 0))  # bound and never listening, so nobody else gets the port, and who calls is refused
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Provider(int(port_file.read_text()), deaf.getsockname()[1])
        finally:
            process.terminate()
