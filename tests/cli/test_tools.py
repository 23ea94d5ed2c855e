"""`llmesc ask --tools`: whose functions, who permits them, and what is told of them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.permission import shown_arguments
from llmesc.escalation.messages import ToolCall

Llmesc = Callable[..., Any]

PATIENCE_SECONDS = 30

CONFIG = """
[providers.demo]
api = "simulated"
tier = "local"
[[providers.demo.models]]
name = "m"
script = [
  { text = "Let me look.", tool_calls = [{ name = "double", arguments = { number = 21 } }] },
  { text = "Forty-two." },
]
"""

TOOLS = '''
import os
from pathlib import Path

from json import dumps

def double(number: int) -> int:
    """Twice a number."""
    print("working")
    Path(os.environ["RAN"]).write_text("ran")
    return 2 * number

def _hidden() -> str:
    return "no tool"
'''


@pytest.fixture
def tools(configure: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    configure(CONFIG)
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    file = tmp_path / "my_tools.py"
    file.write_text(TOOLS)
    return str(file)


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], bool]:
    return (tmp_path / "ran").exists


Ran = Callable[[], bool]


def test_with_yes_a_tool_runs_and_its_call_and_result_are_told(llmesc: Llmesc, tools: str, ran: Ran) -> None:
    done = llmesc("ask", "hi", "--tools", tools, "--yes")

    assert (done.code, done.out, ran()) == (0, "Forty-two.\n", True)
    assert '⚙ double {"number": 21}\n' in done.err
    assert "  double: 42 · " in done.err
    assert "working" in done.err


def test_without_a_terminal_and_without_yes_nothing_runs_and_the_model_is_told(llmesc: Llmesc, tools: str, ran: Ran) -> None:
    done = llmesc("ask", "hi", "--tools", tools)

    assert (done.code, done.out, ran()) == (0, "Forty-two.\n", False)
    assert done.err.count("warning: there is no terminal to ask at") == 1
    assert "double: not run: nobody is there to permit it" in done.err


def test_the_json_object_has_each_call_and_what_came_of_it(llmesc: Llmesc, tools: str) -> None:
    made = json.loads(llmesc("ask", "hi", "--tools", tools, "--yes", "--json").out)

    (call,) = made["attempts"][0]["tool_calls"]
    assert call["result"].pop("duration_seconds") >= 0
    assert call == {
        "call_id": "call_0",
        "name": "double",
        "arguments": '{"number": 21}',
        "result": {"content": "42", "is_error": False},
    }
    assert made["attempts"][1]["tool_calls"] == []


def test_the_lines_of_json_have_each_call_and_what_came_of_it(llmesc: Llmesc, tools: str) -> None:
    out = llmesc("ask", "hi", "--tools", tools, "--yes", "--jsonl").out

    types = [json.loads(line)["type"] for line in out.splitlines()]
    assert types.index("tool_call_requested") < types.index("tool_call_finished") < types.index("run_finished")


def test_the_rounds_are_as_many_as_the_user_says(llmesc: Llmesc, tools: str, configure: Callable[[str], Path]) -> None:
    configure(CONFIG.replace('  { text = "Forty-two." },\n', ""))

    done = llmesc("ask", "hi", "--tools", tools, "--yes", "--max-tool-rounds", "2", "--strict")

    assert (done.code, done.out) == (4, "")
    assert "tool_rounds -100: it still asks for tools after 2 rounds" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "my_tools.py: No such file or directory"),
        ("x = 1\ny = (", "my_tools.py, line 2: '(' was never closed"),
        ("x = 1\n1 / 0", "my_tools.py, line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "my_tools.py, line 2: SystemExit: 3"),
        ("from json import dumps\ndef _f(): ...", "my_tools.py: no function is defined in it"),
        ("def f(x): ...", "f: the parameter 'x' has no type"),
    ],
)
def test_a_file_that_offers_no_tools_is_told_in_one_line(llmesc: Llmesc, tools: str, text: str | None, told: str) -> None:
    Path(tools).unlink() if text is None else Path(tools).write_text(text)

    done = llmesc("ask", "hi", "--tools", tools)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1


TAKES_THE_TERMINAL = """
import os, sys
os.close(os.open(os.ttyname(2), os.O_RDWR))  # the first that the leader of a session opens becomes the session's
os.execv(sys.executable, [sys.executable, "-m", "llmesc", *sys.argv[1:]])
"""


@contextlib.contextmanager
def at_a_terminal(*arguments: str, stdin: bytes) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An llmesc with a terminal of its own, whose standard input is a pipe all the same; the other end of the terminal."""
    prompt, writer = os.pipe()
    os.write(writer, stdin)
    os.close(writer)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKES_THE_TERMINAL, *arguments],
        stdin=prompt,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(theirs)
    os.close(prompt)
    try:
        yield process, ours
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def read_until(terminal: int, wanted: str) -> str:
    seen = b""
    while wanted.encode() not in seen:
        assert select.select([terminal], [], [], PATIENCE_SECONDS)[0], f"{wanted!r} never came: {seen!r}"
        seen += os.read(terminal, 65_536)
    return seen.decode()


@pytest.mark.parametrize(("answer", "runs"), [("y", True), ("n", False), ("", False), ("yes please", False)])
def test_each_call_is_asked_for_at_the_terminal_though_the_prompt_is_piped(tools: str, ran: Ran, answer: str, runs: bool) -> None:
    with at_a_terminal("ask", "-q", "--tools", tools, stdin=b"y\ny\ny\n") as (process, terminal):
        os.write(terminal, b"y\n")  # typed before the question: no answer to it
        read_until(terminal, 'run double {"number": 21} ? [y/N] ')
        os.write(terminal, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, out.decode(), ran()) == (0, "Forty-two.\n", runs)


def test_a_cancel_while_the_question_stands_ends_it(tools: str, ran: Ran) -> None:
    with at_a_terminal("ask", "hi", "--tools", tools, stdin=b"") as (process, terminal):
        seen = read_until(terminal, "[y/N] ")
        os.write(terminal, b"\x03")
        process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert "⚙ double" in seen
    assert not ran()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"city":\n "São Paulo"}', '{"city": "São Paulo"}'),
        ('{"a": "\\u001b[2Kb\\n"}', r'{"a": "\u001b[2Kb\n"}'),
        ('{"a": "b\u202ec"}', r'{"a": "b\u202ec"}'),
        ("", "{}"),
    ],
)
def test_nothing_of_the_arguments_is_hidden_from_who_permits_them(arguments: str, shown: str) -> None:
    assert shown_arguments(ToolCall(call_id="1", name="f", arguments=arguments)) == shown
