"""The dashboard as its user has it: a real process in a real terminal, beside other processes that share the state."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are not there", allow_module_level=True)

from tests.e2e.terminal import Terminal, in_terminal

ASKED = "What is Raft?"


def opened(shell: Any, *arguments: str, columns: int = 120, rows: int = 36) -> AbstractContextManager[Terminal]:
    out = shell.folder / "stdout.txt"
    return in_terminal(shell.argv("dashboard", *arguments), shell.env(), out, columns=columns, rows=rows)


def ask(terminal: Terminal, prompt: str) -> None:
    """As a person does: the prompt has the focus before it is typed in (its keys are then those of the footer)."""
    terminal.press("a")
    terminal.wait_until(lambda lines: "f1 help" in lines[-1] and "quit" not in lines[-1])
    terminal.press(f"{prompt}\r")


@pytest.fixture
def configured(shell: Any, sick: Any, well: Any, chain: Any) -> Iterator[Any]:
    shell.config = chain(sick, well)
    yield shell


def test_a_request_of_another_process_its_switch_and_its_circuit_are_seen_and_put_right(configured: Any, sick: Any) -> None:
    shell = configured
    sick.server.script["m"] = "503"
    with opened(shell) as terminal:
        terminal.wait_for("nothing asked yet")
        for _ in range(3):
            assert shell.run("ask", ASKED).code == 0
        terminal.wait_for("○ open")
        terminal.wait_until(lambda lines: sum("✓ answered" in line and ASKED in line for line in lines) == 3)
        terminal.wait_until(lambda lines: any("✗ error" in line and "a/m" in line for line in lines))
        terminal.wait_for("switched a/m → b/m")
        terminal.wait_for("⚠ chain default: a/m has not answered")

        sick.server.script["m"] = "ok"
        called = sick.server.count("m")
        terminal.press("4")
        terminal.press("r")
        terminal.wait_for("reset a: closed")
        assert shell.run("ask", ASKED).code == 0
        assert sick.server.count("m") > called, "the next call of another process uses it"
        terminal.press("q")
        assert (terminal.ended(), terminal.stdout, terminal.echoes) == (0, "", True)


def test_an_answer_asked_for_on_the_screen_is_printed_on_leaving_where_that_was_wanted(configured: Any) -> None:
    with opened(configured, "--print") as terminal:
        terminal.wait_for("nothing asked yet")
        ask(terminal, "hello")
        terminal.wait_for("✓ answered")
        terminal.press("\x1b")
        terminal.wait_until(lambda lines: any("quit" in line for line in lines))
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.stdout.count("\n") == 1 and "Raft" in terminal.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_as_an_interruption_with_the_terminal_as_it_was(configured: Any, number: signal.Signals) -> None:
    with opened(configured) as terminal:
        terminal.wait_for("nothing asked yet")
        os.kill(terminal.process.pid, number)
        assert (terminal.ended(), terminal.echoes, terminal.stdout) == (130, True, "")


def test_a_window_that_is_closed_leaves_no_request_running(configured: Any, sick: Any) -> None:
    shell = configured
    shell.config = shell.config.replace('stall = "1s"', 'stall = "60s"')
    sick.server.script["m"] = "hang_midway"
    with opened(shell) as terminal:
        terminal.wait_for("nothing asked yet")
        ask(terminal, "hello")
        terminal.wait_for("Raft")
        terminal.hang_up()
        terminal.ended()
    [run] = shell.run("history", "--json").json()
    assert run["outcome"] == "cancelled", "not interrupted: its end was recorded"


def test_a_small_terminal_is_told_how_large_it_must_be(configured: Any) -> None:
    with opened(configured, columns=30, rows=8) as terminal:
        terminal.wait_for("too small: at least 40 × 12")
        terminal.press("q")
        assert terminal.ended() == 0
