"""A command in a real terminal: a pseudo-terminal whose screen is kept as a person would see it."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte

PATIENCE_SECONDS = 30.0
"""Generous: a busy machine draws late, and a test that passes waits no longer than it must."""


_TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the controlling terminal, so that closing it is heard, and becomes the command."""


def _without_size(env: Mapping[str, str]) -> dict[str, str]:
    """A test runner's idea of its own terminal would be taken for the size of this one."""
    return {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """One process; its standard input and error are the terminal, its standard output a file."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, columns: int, rows: int, stdout: Path) -> None:
        self.process = process
        self._master = master
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._stdout = stdout

    @property
    def lines(self) -> list[str]:
        """What is seen now."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def stdout(self) -> str:
        return self._stdout.read_text(encoding="utf-8")

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell needs it: Textual switches the echo off, and back on when it leaves."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_until(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """The screen once `seen` says yes to it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not seen(self.lines):
            assert time.monotonic() < until, "never seen:\n" + "\n".join(self.lines)
            self._read(0.05)
        return self.lines

    def wait_for(self, text: str) -> list[str]:
        """The screen once `text` is on it."""
        return self.wait_until(lambda lines: any(text in line for line in lines))

    def ended(self) -> int:
        """The exit code, once there is one."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < until, "still runs:\n" + "\n".join(self.lines)
            self._read(0.05)
        self._read(0)
        return self.process.returncode

    def hang_up(self) -> None:
        """The window is closed."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._master >= 0:
            self.hang_up()

    def _read(self, seconds: float) -> None:
        while self._master >= 0 and select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self._stream.feed(data)


@contextmanager
def in_terminal(
    argv: Sequence[str], env: Mapping[str, str], stdout: Path, *, columns: int = 120, rows: int = 36
) -> Iterator[Terminal]:
    """Runs `argv` in a terminal of that size, which is its controlling one."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with stdout.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_THE_TERMINAL, *argv],
            env={**_without_size(env), "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=slave,
            stdout=out,
            stderr=slave,
            start_new_session=True,
        )
    os.close(slave)
    terminal = Terminal(process, master, columns, rows, stdout)
    try:
        yield terminal
    finally:
        terminal.close()
