"""Blocking work beside the event loop that holds up nothing: not the loop, not a cancel, not the end of the process."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """What `work` gives or raises. A cancel ends the waiting at once; the work goes on until it or the process ends.

    `asyncio.to_thread` would do, but for its pool: an interpreter that exits waits for every thread of it.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        done.set_running_or_notify_cancel()
        try:
            done.set_result(context.run(work))
        except StopIteration as error:
            done.set_exception(RuntimeError(f"StopIteration: {error}"))  # asyncio takes any other
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            done.set_exception(error)

    threading.Thread(target=run, name="llmesc-work", daemon=True).start()
    return await asyncio.wrap_future(done)
