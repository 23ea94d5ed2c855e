"""Which process wrote something, and whether it still lives."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """One process of one host. A pid is used again after a while; the moment of its start tells them apart."""

    host: str
    pid: int
    started: int | None
    """In the kernel's ticks since boot; None where the system does not say."""


def this_process() -> Process:
    """The one that runs this."""
    pid = os.getpid()
    seen = _proc_stat(pid)
    return Process(_host(), pid, seen[1] if seen else None)


def is_running(process: Process) -> bool | None:
    """Whether it still lives; None where that cannot be known from here."""
    if process.host != _host() or sys.platform == "win32":  # there, os.kill(pid, 0) is no question but a blow
        return None
    if seen := _proc_stat(process.pid):
        state, started = seen
        return state not in "ZX" and process.started in (None, started)
    try:
        os.kill(process.pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def marked(process: Process, mark: str) -> str:
    """A token that only this process has, where `mark` is one of many; `is_gone` reads it."""
    return f"{process.host}.{process.pid}.{process.started or 0}.{mark}"


def is_gone(token: str) -> bool:
    """Whether the process that `marked` a token is known to live no more."""
    try:
        host, pid, started, _ = token.rsplit(".", 3)
        return is_running(Process(host, int(pid), int(started) or None)) is False
    except ValueError:  # no token of ours
        return False


def _host() -> str:
    return os.environ.get("COMPUTERNAME", "") if sys.platform == "win32" else os.uname().nodename


def _proc_stat(pid: int) -> tuple[str, int] | None:
    """State letter and start of a process as Linux tells them in /proc/PID/stat; None elsewhere, or where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name in parentheses may hold spaces and parentheses
    return fields[0], int(fields[19])
