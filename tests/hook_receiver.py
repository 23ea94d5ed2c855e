"""An HTTP endpoint on loopback that takes webhooks, or refuses them as it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Hook:
    """What arrived."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers in lower case, and the body, of everything that was sent."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    """Items that were confirmed."""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """For the next requests; then 204."""
    most_items: int = 1_000_000
    """More in one request are too large."""
    hangs: bool = False
    """Answers only when the test is over."""
    over: Event = field(default_factory=Event)


@contextmanager
def hooked() -> Iterator[Hook]:
    """Listens until the block ends."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hook.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if hook.hangs:
                hook.over.wait()
                self.close_connection = True
                return
            items = json.loads(body)
            status, headers, said = hook.answers.pop(0) if hook.answers else (204, {}, b"")
            if len(items) > hook.most_items:
                status, headers, said = 413, {}, b""
            if 200 <= status < 300:
                hook.taken += items
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_OPTIONS(self) -> None:
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
