"""Ctrl-C, SIGTERM, a closed terminal while an event loop runs: the first cancels, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
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


def _heard() -> list[signal.Signals]:
    """SIGHUP, which Windows does not have, only where nobody (`nohup`) asked for it to be ignored."""
    heard = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        heard.append(hang_up)
    return heard
