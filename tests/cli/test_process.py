"""Whole processes: signals, readers that leave, streams that are missing, a real terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

COMMAND = [sys.executable, "-m", "llmesc"]
PATIENCE_SECONDS = 30


def simulated(script: str) -> str:
    return f'[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = [{{ name = "m", script = {script} }}]\n'


SLOW = simulated('{ text = "One two three four five six seven eight.", tokens_per_second = 4 }')
STUCK = simulated('{ text = "Half an answer", fail = "hang" }')
GOOD = simulated('{ text = "Forty-two." }')


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """One llmesc of our own; it is gone afterwards whatever happens."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with subprocess.Popen([*COMMAND, *arguments], **given) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(stream: Any, wanted: bytes) -> bytes:
    """What comes until `wanted` is among it."""
    seen = b""
    while wanted not in seen:
        assert select.select([stream], [], [], PATIENCE_SECONDS)[0], f"{wanted!r} never came: {seen!r}"
        piece = os.read(stream if isinstance(stream, int) else stream.fileno(), 65_536)
        assert piece, f"it ended without {wanted!r}: {seen!r}"
        seen += piece
    return seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_at_once_and_what_arrived_is_kept(number: int, llmesc: Llmesc, configure: Configure) -> None:
    configure(STUCK)

    with running("ask", "hi", "--stream", "always") as process:
        read_until(process.stdout, b"answer")
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

    (run,) = json.loads(llmesc("history", "--json").out)
    shown = json.loads(llmesc("history", "show", run["run_id"], "--json").out)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert f"next: llmesc history show {run['run_id']}" in err.decode()
    assert (run["outcome"], run["status"], shown["status"]) == ("cancelled", "cancelled", "cancelled")
    assert shown["answer"]["text"] == "Half an answer"
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["cancelled"]


def test_a_killed_process_leaves_an_attempt_that_is_shown_as_interrupted(llmesc: Llmesc, configure: Configure) -> None:
    configure(STUCK)

    with running("ask", "hi", "--stream", "always") as process:
        read_until(process.stdout, b"answer")
        process.kill()

    run_id, _, outcome, *_ = llmesc("history").out.split("\t")
    made = json.loads(llmesc("history", "show", run_id, "--json").out)
    shown = llmesc("history", "show", run_id, terminals="in out")
    assert outcome == "interrupted"
    assert made["outcome"] == "interrupted"
    assert [(attempt["outcome"], attempt["status"]) for attempt in made["attempts"]] == [("interrupted", "error")]
    assert "⊘ interrupted" in shown.out.splitlines()[0]
    assert "  1 ⊘ demo/m (simulated)" in shown.out


def test_a_cancelled_request_promised_as_json_is_still_one_object(configure: Configure) -> None:
    configure(STUCK)

    with running("ask", "hi", "--json", "-v") as process:
        read_until(process.stderr, b"attempt 1")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)

    made = json.loads(out)
    assert (process.returncode, made["outcome"], made["error"]["type"]) == (130, "cancelled", "RunCancelled")


def test_a_reader_that_left_cancels_the_run_quietly(llmesc: Llmesc, configure: Configure) -> None:
    configure(SLOW)

    with running("ask", "hi", "--stream", "always") as process:
        assert process.stdout is not None
        read_until(process.stdout, b"One")
        process.stdout.close()
        assert process.wait(timeout=PATIENCE_SECONDS) == 141
        assert process.stderr is not None
        err = process.stderr.read()

    (run,) = json.loads(llmesc("history", "--json").out)
    assert run["outcome"] == "cancelled"
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


@pytest.mark.parametrize("command", [["--help"], ["help", "exit-codes"], ["config", "show"], ["ask", "hi"]])
def test_every_command_survives_a_reader_that_was_never_there(command: list[str], configure: Configure) -> None:
    configure(GOOD)
    reader, writer = os.pipe()
    os.close(reader)

    with running(*command, stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 141
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full disk to offer")
def test_a_full_disk_is_one_clear_line(configure: Configure) -> None:
    configure(GOOD)

    with open("/dev/full", "wb") as full, running("ask", "hi", "-q", stdout=full) as process:
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 1
    assert err.decode().splitlines()[-1] == "error: standard output: No space left on device"
    assert b"Traceback" not in err


def test_without_a_prompt_and_without_input_nothing_waits(configure: Configure) -> None:
    configure(GOOD)

    with running("ask") as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, out) == (2, b"")
    assert err.startswith(b"error: no prompt\n")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the system does not say how much memory a process took")
def test_fifty_megabytes_are_refused_quickly_and_in_little_memory(configure: Configure) -> None:
    configure(GOOD)
    feed = [sys.executable, "-c", "import sys\nfor _ in range(50): sys.stdout.write('x' * 1_000_000)"]
    measured = (
        # The system's own peak of this process; `ru_maxrss` would begin with the size of whoever started it.
        "import re, sys\nfrom llmesc.cli.main import main\ncode = main(['ask'])\n"
        "print(code, int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024, file=sys.stderr)"
    )

    with subprocess.Popen(feed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source:
        done = subprocess.run(
            [sys.executable, "-c", measured], stdin=source.stdout, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
        assert source.stdout is not None
        source.stdout.close()

    code, megabytes = done.stderr.split()[-2:]
    assert done.stderr.startswith(b"error: standard input: the prompt is larger than 10 MB\n")
    assert int(code) == 2
    assert int(megabytes) < 120


@contextlib.contextmanager
def on_a_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An llmesc whose three streams are one terminal; the other end of it."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    try:
        with running(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
            os.close(theirs)
            yield process, ours
    finally:
        os.close(ours)


def read_all(terminal: int) -> bytes:
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that its last user is gone
        while piece := os.read(terminal, 65_536):
            seen += piece
    return seen


def test_on_a_terminal_a_status_line_comes_and_goes_and_the_answer_streams(configure: Configure) -> None:
    configure(simulated('{ text = "Forty-two.", delay_seconds = 0.5 }'))

    with on_a_terminal("ask", "hi") as (process, terminal):
        screen = read_all(terminal).decode()
        assert process.wait(timeout=PATIENCE_SECONDS) == 0

    before, answer, after = screen.partition("Forty-two.")
    assert "calling demo/m (simulated) · 0." in before
    assert before.endswith("\r\x1b[2K")
    assert answer
    assert after.startswith("\r\n\x1b[32m✓ answered by demo/m (simulated)")


def test_ctrl_c_on_a_terminal_ends_a_stuck_call(configure: Configure) -> None:
    configure(STUCK)

    with on_a_terminal("ask", "hi") as (process, terminal):
        read_until(terminal, b"Half an answer")
        process.send_signal(signal.SIGINT)
        screen = read_all(terminal).decode()
        assert process.wait(timeout=PATIENCE_SECONDS) == 130

    assert "⊘ cancelled; what arrived is kept" in screen
    assert "Traceback" not in screen


def test_a_second_ctrl_c_ends_the_process_whatever_it_does(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, time\n"
        "from llmesc.cli.interrupts import on_interrupt\n"
        "async def main():\n"
        "    with on_interrupt(lambda: None):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(60)\n"
        "asyncio.run(main())\n"
    )

    done = subprocess.run([sys.executable, "-c", code], timeout=PATIENCE_SECONDS, check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (130, b"")


def complete(*words: str) -> list[str]:
    environment = {
        **os.environ,
        "_LLMESC_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["llmesc", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_references_circuits_chains_tiers_and_runs(llmesc: Llmesc, configure: Configure) -> None:
    configure(GOOD + 'instances.a = {}\ninstances.b = {}\n[chains]\nnight = ["demo/m"]\n')
    llmesc("ask", "hi")
    run_id = llmesc("history").out.split("\t")[0]

    assert complete("ask", "--model", "demo@") == ["demo@a/m", "demo@b/m"]
    assert complete("ask", "--chain", "n") == ["night"]
    assert complete("ask", "--tier", "f") == ["fleet", "frontier"]
    assert complete("circuits", "reset", "demo@b") == ["demo@b"]
    assert complete("models", "deny", "demo@a") == ["demo@a/m"]
    assert complete("history", "show", run_id[:3]) == [run_id]
    assert complete("history", "list", "--status", "provider") == ["provider_down", "provider_error"]
    assert complete("circ") == ["circuits"]


def test_a_completion_that_fails_offers_nothing_and_says_nothing(configure: Configure) -> None:
    configure("not toml")

    assert complete("ask", "--model", "demo") == []
