"""Every end of a command has its exit code, and says what is wrong, where, and what to run next."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli import doctor
from llmesc.cli.bad_input import BadInput
from llmesc.cli.exit_codes import OUTCOME_CODES, ExitCode, code_of
from llmesc.cli.main import main
from llmesc.cli.streams import Streams
from llmesc.escalation.errors import (
    BelowQualityBar,
    ConfigError,
    DeadlineExceeded,
    EscalationExhausted,
    LlmescError,
    NothingCallable,
    PolicyStopped,
    RunCancelled,
    StateError,
    UnknownName,
)
from llmesc.escalation.events import RunOutcome

Llmesc = Callable[..., Any]
MakeStreams = Callable[..., Streams]


def test_every_outcome_has_an_exit_code_of_its_own() -> None:
    assert set(OUTCOME_CODES) == set(RunOutcome)
    assert len(set(OUTCOME_CODES.values())) == len(RunOutcome)


def test_the_exit_codes_are_a_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "ANSWERED": 0,
        "UNEXPECTED": 1,
        "USAGE": 2,
        "EXHAUSTED": 3,
        "BELOW_BAR": 4,
        "CONFIGURATION": 5,
        "NOTHING_CALLABLE": 6,
        "DEADLINE": 7,
        "POLICY": 8,
        "FAULT": 70,
        "INTERRUPTED": 130,
        "READER_GONE": 141,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), 2),
        (UnknownName("model", "x"), 2),
        (ConfigError(("x",)), 5),
        (StateError("x"), 1),
        (LlmescError("x"), 1),
        (EscalationExhausted("x", outcome=RunOutcome.EXHAUSTED), 3),
        (BelowQualityBar("x", outcome=RunOutcome.BELOW_BAR), 4),
        (NothingCallable("x", outcome=RunOutcome.NOTHING_CALLABLE), 6),
        (DeadlineExceeded("x", outcome=RunOutcome.DEADLINE), 7),
        (PolicyStopped("x", outcome=RunOutcome.POLICY), 8),
        (RunCancelled("x", outcome=RunOutcome.CANCELLED), 130),
    ],
)
def test_which_error_ends_with_which_code(error: LlmescError, code: int) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("argv", "said", "then"),
    [
        (["circuts"], "No such command 'circuts'. Did you mean 'circuits'?", "llmesc --help"),
        (["circuits", "rest"], "No such command 'rest'. Did you mean 'reset'?", "llmesc circuits --help"),
        (["ask", "--jsn"], "No such option: --jsn", "llmesc ask --help"),
        (["ask", "--max-attempts", "0", "x"], "'--max-attempts'", "llmesc ask --help"),
        (["ask", "--json", "--jsonl", "x"], "--json and --jsonl exclude each other", ""),
        (["ask", "--tier", "gpu", "x"], "--tier: no tier 'gpu'; tiers are local, fleet, vllm, cloud, frontier", ""),
        (["ask", "--deadline", "soon", "x"], "--deadline: 'soon' is no duration", ""),
        (["ask", "--max-cost", "much", "x"], "--max-cost: 'much' is no amount", ""),
        (["ask", "--schema", "/nowhere.json", "x"], "--schema /nowhere.json: No such file or directory", ""),
        (["ask", "--model-file", "/nowhere.gguf", "x"], "--model-file /nowhere.gguf: no such file", ""),
        (["ask"], "no prompt", 'llmesc ask "your question"'),
        (["circuits", "reset"], "name the circuits to reset, or --all", "llmesc circuits"),
        (["circuits", "open"], "Missing argument 'TARGET'", "llmesc circuits open --help"),
        (["models", "deny", "openai"], "'openai' is no reference", "llmesc models list"),
        (["history", "list", "--since", "yore"], "--since: 'yore' is neither a duration (2h) nor a date", ""),
        (["classify"], "give the --status that came", "llmesc classify --help"),
        (["help", "me"], "'me'", "llmesc help --help"),
        (["ask", "--expect", "yaml", "x"], "'--expect': 'yaml' is not one of 'text', 'json'", "llmesc ask --help"),
    ],
)
def test_bad_input_gets_one_clear_line_and_the_next_step(argv: list[str], said: str, then: str, llmesc: Llmesc) -> None:
    done = llmesc(*argv)

    assert done.code == 2
    assert done.out == ""
    first, *rest = done.err.splitlines()
    assert first.startswith("error: ")
    assert said in first
    if then:
        assert rest[0].startswith(f"next: {then}")


def test_nothing_given_is_answered_with_the_help_on_standard_error(llmesc: Llmesc) -> None:
    done = llmesc()

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: llmesc")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["ask"], ["circuits"], ["circuits", "reset"], ["config", "show"]])
def test_help_is_plain_text_on_standard_output(command: list[str], flag: str, llmesc: Llmesc) -> None:
    done = llmesc(*command, flag)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(['llmesc', *command])}")
    assert done.out.isascii()


GROUPS = ["chain", "circuits", "models", "budgets", "history", "records", "fleet", "config"]


@pytest.mark.parametrize("command", [[], *([group] for group in GROUPS)])
def test_the_help_of_each_command_fits_and_cuts_nothing(command: list[str], llmesc: Llmesc) -> None:
    told = llmesc(*command, "--help").out
    names = [line.split()[0] for line in told.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]

    assert names
    assert "..." not in told.replace("[ARGS]...", "")
    for name in names:
        own = llmesc(*command, name, "--help").out
        assert "<str>" not in own and "<list[" not in own
        assert name in (*GROUPS, "ask") or "Examples:\n" in own or len(command) == 1
        assert max(map(len, own.splitlines())) <= 110
        for line in own.partition("Examples:\n")[2].splitlines():
            assert line.split().count("llmesc") == 1 and (command or [name])[0] in line.split()


def test_a_verb_shows_the_examples_that_name_it_and_the_usual_one_those_that_name_none(llmesc: Llmesc) -> None:
    assert "Examples:\n    llmesc circuits reset openai --denied\n" in llmesc("circuits", "reset", "--help").out
    assert llmesc("circuits", "list", "--help").out.endswith("Examples:\n    llmesc circuits\n")
    assert "llmesc circuits show openai@team-a" in llmesc("circuits", "--help").out


def test_help_topics(llmesc: Llmesc) -> None:
    codes = llmesc("help", "exit-codes")
    environment = llmesc("help", "environment")

    assert [int(line.split()[0]) for line in codes.out.splitlines()] == [code.value for code in ExitCode]
    assert "LLMESC_CONFIG" in environment.out
    assert llmesc("help").out == llmesc("--help").out


def test_the_version_is_the_installed_one(llmesc: Llmesc) -> None:
    from importlib.metadata import version

    assert llmesc("--version").out == f"llmesc {version('llmesc')}\n"


TEN_MISTAKES = """
colour = "red"
state = "postgres://x"
[escalation]
max_attempts = 0
quality_treshold = 50
deadline = "soon"
[circuit]
failure_threshold = "three"
[providers.lab]
api = "opnai"
tier = "gpu"
[providers.claude]
tier = "frontier"
[chains]
default = ["nobody/x", "no-slash"]
"""


def test_all_mistakes_of_a_configuration_are_told_at_once(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    file = configure(TEN_MISTAKES)

    done = llmesc("ask", "hi")

    assert (done.code, done.out) == (5, "")
    first, *mistakes, last = done.err.splitlines()
    assert first == f"error: the configuration has {len(mistakes)} mistakes"
    assert len(mistakes) >= 10
    assert all(line.startswith(f"  {file}:") for line in mistakes)
    assert last == "next: llmesc config edit"


def test_promised_json_comes_on_failure_too(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(TEN_MISTAKES)

    done = llmesc("ask", "hi", "--json")

    made = json.loads(done.out)
    assert done.code == 5
    assert made["outcome"] == "error"
    assert made["answer"] is None
    assert made["error"]["type"] == "ConfigError"
    assert len(made["error"]["problems"]) >= 10


def test_promised_json_comes_for_an_unusable_prompt(llmesc: Llmesc) -> None:
    done = llmesc("ask", "--json", stdin=b"\xff\xfe", terminals="")

    assert done.code == 2
    assert json.loads(done.out)["error"]["message"] == "standard input: not UTF-8 at byte 0"


def test_a_fault_of_ours_is_told_as_such_and_its_crash_file_holds_no_secret(
    llmesc: Llmesc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        api_key = "sk-proj-abcdefghijklmnopqrstuvwxyz"
        raise KeyError(f"no such thing for Bearer {api_key}")

    monkeypatch.setattr("llmesc.cli.session.Session.with_engine", broken)

    done = llmesc("doctor")

    (crash,) = (home / "state" / "crashes").iterdir()
    text = crash.read_text()
    assert done.code == 70
    assert done.err.startswith("error: a fault of llmesc itself: KeyError;")
    assert str(crash) in done.err
    assert "in broken" in text
    assert "builtins.KeyError" in text
    assert "abcdefghijkl" not in text
    assert crash.stat().st_mode & 0o777 == 0o600


def test_a_fault_is_told_even_where_no_crash_file_can_be_written(llmesc: Llmesc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMESC_HOME", "/dev/null/nowhere")
    monkeypatch.setattr("llmesc.cli.session.Session.with_engine", lambda *_: 1 / 0)

    done = llmesc("doctor")

    assert done.code == 70
    assert done.err.splitlines()[0] == "error: a fault of llmesc itself: ZeroDivisionError"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BrokenPipeError(), 141, ""),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "error: standard output: No space left on device\n"),
    ],
)
def test_standard_output_that_takes_no_more_ends_the_command(error: OSError, code: int, said: str, streams: MakeStreams) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    made = replace(streams(), stdout=Broken())

    assert main(["help", "exit-codes"], streams=made) == code
    assert isinstance(made.stderr, io.StringIO)
    assert made.stderr.getvalue() == said


def test_help_whose_reader_left_ends_like_any_other_output(streams: MakeStreams) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert main(["--help"], streams=replace(streams(), stdout=Gone())) == 141


def test_ctrl_c_is_an_exit_code_and_no_traceback(llmesc: Llmesc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("llmesc.cli.session.Session.with_engine", interrupted)

    done = llmesc("doctor")

    assert (done.code, done.out, done.err) == (130, "", "")


@pytest.mark.parametrize(("failed", "code"), [([], 0), (["state"], 1), (["provider:lab"], 5), (["state", "model:x"], 5)])
def test_what_the_doctor_finds_decides_his_exit_code(
    failed: list[str], code: int, llmesc: Llmesc, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmesc.engine.doctor import Check

    checks = [Check(name="versions", status="ok", detail="llmesc 1")]
    checks += [Check(name=name, status="failed", detail="it is not", hint="llmesc init") for name in failed]
    monkeypatch.setattr("llmesc.cli.session.Session.with_engine", lambda *_: checks)

    done = llmesc("doctor")

    assert done.code == code
    assert done.out.splitlines()[0] == "ok\tversions\tllmesc 1"
    assert done.out.count("; next: llmesc init") == len(failed)
    assert [check["name"] for check in json.loads(llmesc("doctor", "--json").out)] == ["versions", *failed]
    assert "✓ ok" in llmesc("doctor", terminals="in out").out
    assert set(doctor._MARKS) == {"ok", "warning", "failed", "skipped"}


@pytest.mark.parametrize(
    ("given", "then"),
    [
        (("--config", "no such.toml"), "llmesc --config 'no such.toml' init"),
        (("--config", "broken.toml"), "llmesc --config broken.toml config edit"),
        (("--config", "."), "llmesc --config . config path"),
        (("--state", "memory:"), "llmesc --state memory: history list"),
        (("--config", "good.toml", "--state", "memory:"), "llmesc --config good.toml --state memory: history list"),
        ((), "llmesc history list"),
    ],
)
def test_the_next_command_looks_where_this_one_looked(
    given: tuple[str, ...], then: str, llmesc: Llmesc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("[providers")
    Path("good.toml").write_text('[providers.demo]\napi = "simulated"\nmodels = ["m"]\n')

    done = llmesc(*given, "history", "show", "nosuch", "--json")

    assert done.err.splitlines()[-1] == f"next: {then}"
    assert json.loads(done.out)["error"]["hint"] == then


def test_a_password_in_the_state_is_not_repeated_in_the_next_command(llmesc: Llmesc) -> None:
    done = llmesc("--state", "redis://:hunter2@localhost:1/0", "history", "list")

    assert done.code != 0
    assert "next: llmesc doctor" in done.err
    assert "hunter2" not in done.err + done.out
