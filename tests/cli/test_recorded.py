"""`history export` prints a run that `history replay` takes, and what cannot be played is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
[providers.demo]
api = "simulated"
tier = "local"
models = ["m"]
"""


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    return ["--config", str(file), "--state", f"sqlite://{tmp_path / 'state.db'}"]


def exported(llmesc: Any, options: list[str]) -> str:
    assert llmesc(*options, "ask", "hi").code == 0
    run_id = json.loads(llmesc(*options, "history", "list", "--json").out)[0]["run_id"]
    done = llmesc(*options, "history", "export", run_id[:6])
    assert done.code == 0
    return str(done.out)


def test_export_prints_every_event_of_the_run_in_order(llmesc: Any, options: list[str]) -> None:
    events = [json.loads(line) for line in exported(llmesc, options).splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("run_started", "run_finished")


def test_a_replay_needs_a_terminal_and_says_what_to_do_without(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(exported(llmesc, options))
    done = llmesc(*options, "history", "replay", str(file))
    assert done.code == 2
    assert "needs a terminal" in done.err and "llmesc history show" in done.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no events"),
        ("not json", "line 1: no event of a run"),
        ('{"type": "run_finished"}', "line 1: no event of a run"),
        ('["a list"]', "line 1: no event of a run"),
    ],
)
def test_a_file_that_holds_no_run_is_refused(llmesc: Any, options: list[str], tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(text)
    done = llmesc(*options, "history", "replay", str(file))
    assert (done.code, problem in done.err) == (2, True), done.err


def test_two_runs_in_one_file_are_refused(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    first = exported(llmesc, options)
    second = first.replace(json.loads(first.splitlines()[0])["run_id"], "another")
    file = tmp_path / "run.jsonl"
    file.write_text(first + second)
    done = llmesc(*options, "history", "replay", str(file))
    assert (done.code, "several runs" in done.err) == (2, True)


def test_a_run_that_nobody_knows_is_named(llmesc: Any, options: list[str]) -> None:
    done = llmesc(*options, "history", "export", "nothing")
    assert done.code != 0
    assert "nothing" in done.err
