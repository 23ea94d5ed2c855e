"""Ctrl-C, SIGTERM, a closed terminal while an event loop runs: the first cancels, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from llmesc.cli.exit_codes import ExitCode


@contextmanager
def on_interrupt(cancel: Callable[[], object]) -> Iterator[None]:
    """Calls `cancel` in the running event loop at the first signal; does nothing outside the main thread.

    Plain signal handlers, not the loop's own: they also run while the loop is held up, so that the second signal always works.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    seen = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if number == _HANG_UP:
            _let_go_of_the_terminal()
        if seen:
            os._exit(ExitCode.INTERRUPTED)
        seen = True
        loop.call_soon_threadsafe(cancel)

    before = {number: signal.signal(number, handle) for number in _heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_HANG_UP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""The terminal was closed; Windows has no such signal."""


def _heard() -> list[signal.Signals]:
    """A hang-up only where nobody (`nohup`) asked for it to be ignored."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if _HANG_UP is not None and signal.getsignal(_HANG_UP) is not signal.SIG_IGN:
        heard.append(_HANG_UP)
    return heard


def _let_go_of_the_terminal() -> None:
    """What is still written to a terminal that is gone goes nowhere: an error there would keep the end from being recorded."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        with suppress(OSError):  # one that was closed from the beginning
            if stat.S_ISCHR(os.fstat(stream).st_mode):  # isatty() no longer tells
                os.dup2(nowhere, stream)
    os.close(nowhere)
