"""Sinks behind real processes: one that is killed in the middle of a delivery, and commands that end on time."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hook_receiver import Hook, hooked
from tests.otlp_receiver import attributes, receiving

PATIENCE_SECONDS = 60


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


def waited_for(what: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_what_a_killed_process_was_delivering_is_delivered_by_the_next(
    shell: Any, sick: Any, well: Any, chain: Any, hook: Hook
) -> None:
    hook.hangs = True
    sink = f'[[records.sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\ntimeout = "10m"\n'
    shell.config = chain(sick, well) + f'[records]\nexit_wait = "10m"\n{sink}'
    with shell.start("ask", "What is Raft?") as process:
        waited_for(lambda: hook.requests)
        process.send_signal(signal.SIGKILL)
        process.wait()
    hook.hangs = False

    flushed = shell.run("records", "flush")

    assert (flushed.code, hook.taken != []) == (0, True), flushed.err
    assert [item["seq"] for item in hook.taken] == list(range(len(hook.taken)))
    assert hook.taken[-1]["type"] == "run_finished"
    (sent, _), (again, _) = hook.requests
    assert sent["x-llmesc-id"] == again["x-llmesc-id"], "whoever had it already can tell"
    assert shell.run("records", "--json").json()[0]["waiting"] == 0


def test_the_answer_is_out_before_anything_is_delivered(shell: Any, sick: Any, well: Any, chain: Any, hook: Hook) -> None:
    hook.hangs = True
    sink = f'[[records.sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\ntimeout = "10m"\n'
    shell.config = chain(sick, well) + f'[records]\nexit_wait = "10m"\n{sink}'
    with shell.start("ask", "What is Raft?") as process:
        answer = process.stdout.readline()
        waited_for(lambda: hook.requests)
        assert answer.strip()
        assert process.poll() is None, "it is at its delivery"
        process.kill()


def test_a_command_ends_when_its_time_is_over_and_a_run_with_a_failover_reaches_the_collector(
    shell: Any, sick: Any, well: Any, chain: Any, hook: Hook, tmp_path: Path
) -> None:
    hook.hangs = True
    sick.server.script["m"] = "503"
    with receiving() as collector:
        sinks = (
            f'[[records.sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\ntimeout = "10m"\n'
            f'[[records.sinks]]\nname = "traces"\nkind = "otel"\nurl = "{collector.url}"\n'
            '[[records.sinks]]\nname = "file"\nkind = "jsonl"\npath = "events.jsonl"\n'
        )
        shell.config = chain(sick, well) + sinks

        asked = shell.run("ask", "What is Raft?")
        hook.hangs = False
        flushed = shell.run("records", "flush")

        assert (asked.code, flushed.code) == (0, 0), flushed.err
        told = {(span.name, attributes(span).get("error.type")) for span in collector.spans}
        assert told == {("chat m", None), ("chat m", "overloaded")}
        # A slow machine may have ended the first delivery before it was noted: then they came twice, and are the same.
        assert len({span.span_id for span in collector.spans}) == 3
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ids = list(dict.fromkeys(line["id"] for line in lines))
    assert ids == list(dict.fromkeys(item["id"] for item in hook.taken))
    assert [int(each.rpartition(".")[2]) for each in ids] == list(range(len(ids)))
