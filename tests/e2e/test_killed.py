"""What is left when a process does not end as it should."""

from __future__ import annotations

import json
import signal
import time
from typing import Any


def wait_for_text(process: Any) -> list[dict[str, Any]]:
    """The events of `--jsonl` up to the first text."""
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["type"] == "text_delta":
            return events
    raise AssertionError(process.stderr.read())


def test_a_process_killed_in_mid_stream_leaves_an_interrupted_attempt(shell: Any, sick: Any, well: Any, chain: Any) -> None:
    shell.config = chain(sick, well).replace('stall = "1s"', 'stall = "60s"')
    sick.server.script["m"] = "hang_midway"
    with shell.start("ask", "What is Raft?", "--jsonl") as process:
        run_id = wait_for_text(process)[0]["run_id"]
        running = shell.run("history", "show", run_id, "--json").json()
        process.send_signal(signal.SIGKILL)
        process.wait()

    shown = shell.run("history", "show", run_id)
    listed = shell.run("history", "--json").json()[0]

    assert running["outcome"] in (None, "running")
    assert "interrupted" in shown.out
    assert (listed["run_id"], listed["outcome"]) == (run_id, "interrupted")
    sick.server.script["m"] = "ok"
    assert shell.run("ask", "again").code == 0


def test_ctrl_c_keeps_what_arrived_and_drops_the_connection_at_once(shell: Any, sick: Any, well: Any, chain: Any) -> None:
    shell.config = chain(sick, well).replace('stall = "1s"', 'stall = "60s"')
    sick.server.script["m"] = "hang_midway"
    with shell.start("ask", "What is Raft?", "--jsonl") as process:
        run_id = wait_for_text(process)[0]["run_id"]
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout]
        code = process.wait()

    assert code == 130
    assert [event["type"] for event in rest if event["type"] != "text_delta"][-2:] == ["attempt_finished", "run_finished"]
    assert time.monotonic() - began < 30, "it did not wait for the provider"
    assert rest[-1]["answer"]["text"].startswith("Raft")
    [attempt] = shell.run("history", "show", run_id, "--json").json()["attempts"]
    assert attempt["outcome"] == "cancelled"
    assert shell.run("circuits", "--json").json()[0]["failures"] == []
