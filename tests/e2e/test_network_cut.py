"""A Redis on another host, and a cable pulled in mid-answer: two network namespaces, and a link between them set down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Shell
from tests.redis_server import server_binary

PATIENCE_SECONDS = 60.0

CONFIG = """
state = "redis://{address}:6379/0?timeout=500ms"
[providers.talks]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = [{{ text = "{text}", tokens_per_second = 20 }}] }}]
"""
TEXT = " ".join(f"word{number}" for number in range(60))


def ip(*command: str) -> None:
    subprocess.run(["ip", *command], check=True, capture_output=True, text=True)


@dataclass
class Cable:
    """Between `there`, where the Redis is, and `here`."""

    there: str
    here: str
    address: str

    def cut(self) -> None:
        ip("-n", self.there, "link", "set", "cable", "down")

    def mend(self) -> None:
        ip("-n", self.there, "link", "set", "cable", "up")


@pytest.fixture
def cable() -> Iterator[Cable]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    made = Cable(f"llmesc-there-{os.getpid()}", f"llmesc-here-{os.getpid()}", "10.213.0.1")
    try:
        try:
            for name in (made.there, made.here):
                ip("netns", "add", name)
            ip("-n", made.there, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", made.here)
            for name, address in ((made.there, made.address), (made.here, "10.213.0.2")):
                ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
                ip("-n", name, "link", "set", "cable", "up")
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"this machine makes no network namespaces: {refused.stderr.strip()}")
        yield made
    finally:
        for name in (made.there, made.here):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.fixture
def socket(cable: Cable, tmp_path: Path) -> Iterator[Path]:
    """Of a Redis behind the cable: a file, by which the test looks into it whatever the network does."""
    path = tmp_path / "redis.sock"
    command = [server_binary(), "--bind", cable.address, "--protected-mode", "no", "--save", "", "--unixsocket", str(path)]
    server = subprocess.Popen(["ip", "netns", "exec", cable.there, *command], stdout=subprocess.DEVNULL, cwd=tmp_path)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert server.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.02)
    yield path
    server.kill()
    server.wait()


class Host(Shell):
    """This end of the cable."""

    namespace = ""

    def argv(self, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *super().argv(*arguments)]


def test_a_cable_pulled_in_mid_answer_costs_neither_the_answer_nor_a_record(cable: Cable, socket: Path, tmp_path: Path) -> None:
    host = Host(tmp_path, CONFIG.format(address=cable.address, text=TEXT))
    host.namespace = cable.here
    behind = Shell(tmp_path / "behind", f'state = "redis:///0?socket={socket}&timeout=10s"\n')
    behind.folder.mkdir()
    asking = host.start("ask", "hi", "--jsonl")
    assert asking.stdout is not None
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != "text_delta":
        events.append(json.loads(asking.stdout.readline()))

    cable.cut()
    out, err = asking.communicate(timeout=PATIENCE_SECONDS)

    events += [json.loads(line) for line in out.splitlines()]
    assert asking.returncode == 0
    assert events[-1]["answer"]["text"] == TEXT
    assert f"going on without the state: redis://{cable.address}:6379/0 does not answer within" in err
    spooled = list((tmp_path / "llmesc").rglob("spool/*.jsonl"))
    assert len(spooled) == 1
    cut_off = host.run("ask", "again", "--json")  # it cannot even be opened
    assert cut_off.json()["answer"]["text"] == TEXT

    cable.mend()
    give_up = time.monotonic() + PATIENCE_SECONDS
    while list((tmp_path / "llmesc").rglob("spool/*.jsonl")):  # neighbours are found anew in a moment
        assert time.monotonic() < give_up
        assert host.run("ask", "once more", "--json").code == 0

    run_id = events[-1]["run_id"]
    recorded = [json.loads(line) for line in behind.run("history", "export", run_id).out.splitlines()]
    assert [event["seq"] for event in recorded] == [event["seq"] for event in events], "all of it, once each, in order"
    outcomes = {run["run_id"]: run["outcome"] for run in behind.run("history", "list", "--json").json()}
    assert outcomes[run_id] == outcomes[cut_off.json()["run_id"]] == "answered"
