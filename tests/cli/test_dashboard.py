"""`llmesc dashboard` before the screen: what it needs, and what it is told wrongly."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.main import main

PATIENCE_SECONDS = 30


def test_without_a_terminal_it_says_so_and_what_to_do_instead(llmesc: Any) -> None:
    done = llmesc("dashboard", terminals="out")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: the dashboard needs a terminal\nnext: llmesc history list\n"


def test_a_dumb_terminal_is_none_to_draw_on(streams: Any) -> None:
    made = replace(streams(terminals="in out err"), moves_cursor=False)

    assert main(["dashboard"], streams=made) == 2
    assert "needs a terminal" in made.stderr.getvalue()


def test_a_theme_that_nobody_knows_is_named_with_the_nearest(llmesc: Any) -> None:
    done = llmesc("dashboard", "--theme", "textual-drak", terminals="in out err")
    assert done.code == 2
    assert "textual-dark" in done.err


@pytest.mark.parametrize("options", [("--state", "memory:"), ("--config", "mine.toml")])
def test_a_demonstration_takes_no_state_and_no_configuration(options: tuple[str, str], llmesc: Any) -> None:
    done = llmesc(*options, "dashboard", "--demo", terminals="in out err")

    assert (done.code, done.out) == (2, "")
    assert "--demo brings its own chain and keeps no state: leave --config and --state out" in done.err


def test_a_demonstration_needs_a_terminal_too(llmesc: Any) -> None:
    done = llmesc("dashboard", "--demo", terminals="out")

    assert (done.code, done.out) == (2, "")
    assert "needs a terminal" in done.err


def test_a_demonstration_reads_and_writes_nothing_of_the_users_and_leaves_with_an_answer(home: Path) -> None:
    mine = {"config.toml": "this is [no TOML", f"state/spool/{socket.gethostname()}.1.1.000000.jsonl": "[]\n"}
    for name, text in mine.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    terminal, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    command = [sys.executable, "-m", "llmesc", "dashboard", "--demo", "--print"]
    environ = {**os.environ, "TERM": "xterm-256color", "OPENAI_API_KEY": "sk-mine"}
    with subprocess.Popen(command, stdin=screen, stdout=subprocess.PIPE, stderr=screen, env=environ) as process:
        os.close(screen)
        drawn = read_until(terminal, "✓ answered")
        os.write(terminal, b"q")
        drawn += read_all(terminal)
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(terminal)

    assert process.returncode == 0
    assert printed.decode().startswith("Before you migrate, check three things:")
    assert "DEMO · nothing is called" in drawn
    assert "sk-mine" not in drawn
    assert {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()} == mine


def read_until(terminal: int, wanted: str) -> str:
    """What is drawn until `wanted` is."""
    drawn, latest = b"", time.monotonic() + PATIENCE_SECONDS
    while wanted.encode() not in drawn:
        assert time.monotonic() < latest, f"{wanted!r} was never drawn"
        assert select.select([terminal], [], [], PATIENCE_SECONDS)[0], "nothing is drawn any more"
        drawn += os.read(terminal, 65_536)
    return drawn.decode(errors="replace")


def read_all(terminal: int) -> str:
    """What is drawn until nobody has the terminal any more."""
    drawn = b""
    with contextlib.suppress(OSError):  # how Linux says that
        while piece := os.read(terminal, 65_536):
            drawn += piece
    return drawn.decode(errors="replace")
