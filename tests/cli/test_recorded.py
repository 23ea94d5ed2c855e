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
    told = [(event["type"], event["status"]) for event in events if "status" in event]
    assert told == [("attempt_finished", "success"), ("run_finished", "success")]


def test_a_replay_needs_a_terminal_and_says_what_to_do_without(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(exported(llmesc, options))
    done = llmesc(*options, "history", "replay", str(file))
    assert done.code == 2
    error, following = done.err.splitlines()
    assert "needs a terminal" in error and " history show " in following


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


@pytest.mark.parametrize(
    ("mode", "prompt", "answered"),
    [
        ("metadata", "‹not kept: 25 characters, ", "‹not kept: "),
        ("redacted", "I am [e-mail]", "Simulated answer"),
        ("encrypted", "I am jane@example.com, hi", "Simulated answer"),
    ],
)
def test_what_was_kept_is_what_history_shows_and_exports(
    mode: str, prompt: str, answered: str, llmesc: Any, options: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "config.toml").open("a") as file:
        file.write('script = { text = "Simulated answer" }\n[records]\nkey = { env = "RECORD_KEY" }\n')
    monkeypatch.setenv("RECORD_KEY", "00" * 32)
    asked = llmesc(*options, "ask", "--capture", mode, "I am jane@example.com, hi")
    assert (asked.code, asked.out) == (0, "Simulated answer\n")
    run_id = json.loads(llmesc(*options, "history", "list", "--json").out)[0]["run_id"]

    shown = json.loads(llmesc(*options, "history", "show", run_id, "--json").out)
    told = llmesc(*options, "history", "show", run_id, terminals="out").out
    lines = llmesc(*options, "history", "export", run_id).out

    assert shown["prompt"].startswith(prompt)
    assert shown["answer"]["text"].startswith(answered)
    assert answered in told
    assert f"asked: {prompt}" in told
    assert [json.loads(line)["seq"] for line in lines.splitlines()] == list(range(len(lines.splitlines())))
    if mode != "encrypted":
        assert shown["capture"] == mode
        assert "jane@example.com" not in lines
        return
    monkeypatch.delenv("RECORD_KEY")
    shown = json.loads(llmesc(*options, "history", "show", run_id, "--json").out)
    assert shown["prompt"] == "‹encrypted: 25 characters›"


def test_a_record_that_cannot_be_encrypted_is_not_begun(llmesc: Any, options: list[str]) -> None:
    asked = llmesc(*options, "ask", "--capture", "encrypted", "hi")

    assert (asked.code, asked.out) == (5, "")
    assert "records.key: missing" in asked.err


def test_history_says_for_whom_it_was(llmesc: Any, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    monkeypatch.setenv("TRACEPARENT", trace)
    given = ["--caller", "billing", "--conversation", "c-17", "--correlation", "x-1"]
    assert llmesc(*options, "ask", *given, "--capture", "metadata", "hi").code == 0
    [run] = json.loads(llmesc(*options, "history", "list", "--json").out)
    assert (run["caller"]["name"], run["caller"]["conversation"], run["caller"]["correlation"]) == ("billing", "c-17", "x-1")

    shown = json.loads(llmesc(*options, "history", "show", run["run_id"], "--json").out)["caller"]

    assert (shown["name"], shown["conversation"], shown["correlation"], shown["traceparent"]) == ("billing", "c-17", "x-1", trace)
    assert shown["command"] == "ask"
    told = llmesc(*options, "history", "show", run["run_id"], terminals="out", width=200).out
    assert f"caller: name billing · conversation c-17 · correlation x-1 · traceparent {trace}" in told


def test_requests_are_found_by_the_words_of_an_audit(llmesc: Any, options: list[str]) -> None:
    llmesc(*options, "ask", "well")
    llmesc(*options, "ask", "--deadline", "1ms", "--max-attempts", "1", "--tier", "frontier", "nobody")

    def found(*words: str) -> list[str]:
        chosen = [part for word in words for part in ("--status", word)]
        return [line.split("\t")[-1] for line in llmesc(*options, "history", "list", *chosen).out.splitlines()]

    assert found("success") == ["well"]
    assert found("no_available_provider") == ["nobody"]
    assert found("no_available_provider", "success") == ["nobody", "well"]
    assert found("rate_limited") == []
    exported = llmesc(*options, "history", "export", "--status", "success").out
    assert "well" in exported and "nobody" not in exported


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_word_that_is_no_status_is_told_with_those_that_are(command: str, llmesc: Any, options: list[str]) -> None:
    done = llmesc(*options, "history", command, "--status", "success", "--status", "answered")

    assert (done.code, done.out) == (2, "")
    assert "--status: 'answered' is none of success, error, auth_failed, rate_limited, provider_down, " in done.err


# -- export: several at once, and as a page -----------------------------------------------------------------------------------


def test_several_are_exported_the_oldest_first_as_far_as_they_fit(llmesc: Any, options: list[str]) -> None:
    for prompt in ("one", "two", "three"):
        llmesc(*options, "ask", "--caller", "job" if prompt != "two" else "other", prompt)

    events = [json.loads(line) for line in llmesc(*options, "history", "export", "--caller", "job").out.splitlines()]
    prompts = [event["request"]["messages"][0]["parts"][0]["text"] for event in events if event["type"] == "run_started"]

    assert prompts == ["one", "three"]
    limited = llmesc(*options, "history", "export", "--limit", "1")
    assert "three" in limited.out and "one" not in limited.out
    assert "these are the newest 1" in limited.err


def test_a_run_becomes_a_page_for_its_owner_alone(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    llmesc(*options, "ask", "what is <b>this</b>?")
    [run] = json.loads(llmesc(*options, "history", "list", "--json").out)
    place = tmp_path / "run.html"

    done = llmesc(*options, "history", "export", run["run_id"], "--html", str(place))
    again = llmesc(*options, "history", "export", run["run_id"], "--html", str(place))
    forced = llmesc(*options, "history", "export", run["run_id"], "--html", str(place), "--force")
    printed = llmesc(*options, "history", "export", run["run_id"], "--html", "-")

    assert (done.code, done.out) == (0, "")
    assert f"1 run written to {place}" in done.err
    assert (place.stat().st_mode & 0o777) == 0o600
    assert (again.code, "there is a file already" in again.err, forced.code) == (2, True, 0)
    assert "what is &lt;b&gt;this&lt;/b&gt;?" in place.read_text()
    assert printed.out.startswith("<!doctype html>") and printed.out.endswith("</html>\n")


def test_many_become_one_page_with_a_summary(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    for prompt in ("one", "two"):
        llmesc(*options, "ask", prompt)
    place = tmp_path / "all.html"

    assert llmesc(*options, "history", "export", "--since", "1h", "--outcome", "answered", "--html", str(place)).code == 0

    made = place.read_text()
    assert "2 runs" in made and "since 1h, outcome answered" in made


def test_a_page_says_what_the_record_was_not_to_keep(llmesc: Any, options: list[str]) -> None:
    llmesc(*options, "ask", "--capture", "metadata", "the secret plan")

    made = llmesc(*options, "history", "export", "--html", "-").out

    assert "the secret plan" not in made
    assert "the texts were not kept: only their lengths and digests (capture = metadata)" in made


def test_an_id_and_a_filter_are_too_much(llmesc: Any, options: list[str]) -> None:
    done = llmesc(*options, "history", "export", "7f3a", "--since", "1h")

    assert (done.code, "an id and --since: one of them" in done.err) == (2, True)


def test_a_folder_that_is_not_there_is_named(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    done = llmesc(*options, "history", "export", "--html", str(tmp_path / "nowhere" / "x.html"))

    assert (done.code, "No such file or directory" in done.err) == (2, True)


# -- import -------------------------------------------------------------------------------------------------------------------


def elsewhere(options: list[str], tmp_path: Path) -> list[str]:
    return [*options[:2], "--state", f"sqlite://{tmp_path / 'elsewhere.db'}"]


def test_what_was_exported_is_imported_once(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    text = exported(llmesc, options)
    run_id = json.loads(text.splitlines()[0])["run_id"]
    file = tmp_path / "run.jsonl"
    file.write_text(text)
    other = elsewhere(options, tmp_path)

    first = llmesc(*other, "history", "import", str(file))
    again = llmesc(*other, "history", "import", str(file), "--json")
    told = llmesc(*other, "history", "import", str(file), terminals="in out")

    assert (first.code, first.out) == (0, f"{run_id}\tnew\n")
    assert json.loads(again.out) == {"new": [], "completed": [], "known": [run_id], "unknown_events": 0}
    assert told.out == "0 runs imported, 1 here already\n"
    assert llmesc(*other, "history", "export", run_id).out == text
    assert len(json.loads(llmesc(*other, "history", "list", "--json").out)) == 1


def test_what_ask_printed_as_it_went_is_known_where_it_was_asked(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    asked = llmesc(*options, "ask", "--jsonl", "hi").out

    here = llmesc(*options, "history", "import", "-", stdin=asked.encode())
    there = llmesc(*elsewhere(options, tmp_path), "history", "import", "-", stdin=asked.encode())

    assert here.out.endswith("\tknown\n")
    assert there.out.endswith("\tnew\n")


@pytest.mark.parametrize("mode", ["redacted", "metadata"])
def test_a_record_without_its_texts_is_the_same_run(mode: str, llmesc: Any, options: list[str], tmp_path: Path) -> None:
    asked = llmesc(*options, "ask", "--jsonl", "--capture", mode, "I am jane@example.com").out

    assert llmesc(*options, "history", "import", "-", stdin=asked.encode()).out.endswith("\tknown\n")


def test_a_broken_line_is_named_and_nothing_is_taken(llmesc: Any, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(exported(llmesc, options) + "{broken\n")
    other = elsewhere(options, tmp_path)

    done = llmesc(*other, "history", "import", str(file))

    assert (done.code, done.out) == (2, "")
    assert f"{file}, line {len(file.read_text().splitlines())}: no event of a run: " in done.err
    assert llmesc(*other, "history").out == ""


def test_a_file_that_is_not_there_is_named(llmesc: Any, options: list[str]) -> None:
    done = llmesc(*options, "history", "import", "nowhere.jsonl")

    assert (done.code, "nowhere.jsonl: No such file" in done.err) == (2, True)
