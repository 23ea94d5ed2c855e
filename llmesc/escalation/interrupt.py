"""Waiting that can be interrupted: by a timer, or from outside; and everything else that cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Reason = Literal["cancelled", "timer"]


class Interrupted(Exception):
    """An interruptible wait was ended before its time."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Overtaken(Exception):
    """Something else came first."""


async def before(event: asyncio.Future[Any], work: Awaitable[T]) -> T:
    """What `work` gives. Raises `Overtaken`, with `work` cancelled and over, where `event` is done first."""
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({working, event}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Overtaken
    finally:
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
            working.cancelled() or working.exception()  # seen, so that nobody warns of it


class Interruptible:
    """Guards the waits of one task.

    Only what is awaited through `wait` can be interrupted, so that recording an event or telling a circuit is never cut in
    half. The timer is moved by writing a number: pushing a deadline back for every token costs no timer of the event loop.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._waiting = False
        self._deadline = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._reason: Reason | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Interrupts the wait in progress, or else the next one; and every one after that."""
        self.cancelled = True
        self._interrupt("cancelled")

    async def wait(self, awaitable: Awaitable[T], deadline: float) -> T:
        """Awaits, until `deadline` (of the loop's clock) at the latest. Raises `Interrupted`."""
        loop = asyncio.get_running_loop()
        if self.cancelled:
            close = getattr(awaitable, "close", None)
            if close is not None:
                close()
            raise Interrupted("cancelled")
        self._task = self._task or asyncio.current_task()
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._arm(loop, deadline)
        self._waiting = True
        try:
            result = await awaitable
        except asyncio.CancelledError:
            reason = self._settle()
            if reason is None:
                raise
            raise Interrupted(reason) from None
        finally:
            self._waiting = False
        self._settle()  # what was awaited swallowed the interruption: its result counts
        return result

    def _settle(self) -> Reason | None:
        reason, self._reason = self._reason, None
        if reason is not None and self._task is not None:
            self._task.uncancel()
        return reason

    def close(self) -> None:
        """Lets go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when == float("inf") else loop.call_at(when, self._fire, loop)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if not self._waiting:
            return  # the next wait arms it again
        if loop.time() >= self._deadline:
            self._interrupt("timer")
        else:
            self._arm(loop, self._deadline)

    def _interrupt(self, reason: Reason) -> None:
        if self._waiting and self._reason is None and self._task is not None:
            self._reason = reason
            self._task.cancel()
