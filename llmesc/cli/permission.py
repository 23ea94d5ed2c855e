"""Asks the person at the terminal before a tool runs."""

from __future__ import annotations

import contextlib
import json
import os

from llmesc.cli.narrate import Narrator
from llmesc.engine.daemon_thread import in_daemon_thread
from llmesc.escalation.messages import ToolCall
from llmesc.escalation.untrusted import one_line, safe

TERMINAL = "/dev/tty"
"""Of the process, whatever standard input is: a prompt may be piped in."""


class AskAtTerminal:
    """A `Permit`. Without a terminal to ask at nothing is permitted, and standard error says so once."""

    def __init__(self, err: Narrator) -> None:
        self._err = err
        self._told = False

    async def __call__(self, call: ToolCall) -> str | None:
        """None for a yes; else why not, for the model."""
        terminal = _terminal() if self._err.is_terminal else None
        if terminal is None:
            if not self._told:
                self._err.say(
                    "warning: there is no terminal to ask at, so tools are not run; --yes runs them unasked", "doubtful"
                )
            self._told = True
            return "not run: nobody is there to permit it"
        self._err.ask(f"run {one_line(call.name)} {shown_arguments(call)} ? [y/N] ")
        answer = ""
        try:
            answer = await in_daemon_thread(lambda: _line(terminal))
        finally:
            if not answer.endswith("\n"):
                self._err.say("")
        return None if answer.strip().lower() in {"y", "yes"} else "not run: the user did not permit it"


def shown_arguments(call: ToolCall) -> str:
    """All of them, on one line, and nothing of them hidden: what a terminal must not get is shown as its escape."""
    arguments = json.loads(call.arguments or "{}")
    shown = json.dumps(arguments, ensure_ascii=False)
    return shown if safe(shown) == shown else safe(json.dumps(arguments))


def _terminal() -> int | None:
    """A descriptor of the terminal, what was typed before the question thrown away: it was no answer to it."""
    try:
        terminal = os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
    import termios

    with contextlib.suppress(termios.error):
        termios.tcflush(terminal, termios.TCIFLUSH)
    return terminal


def _line(terminal: int) -> str:
    """The next line, which is empty at the end of input; closes `terminal`."""
    with os.fdopen(terminal, encoding="utf-8", errors="replace") as lines:
        return lines.readline()
