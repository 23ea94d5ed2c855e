"""The live dashboard: one screen over what every process that shares the state does. `watch` opens it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmesc.escalation.times import Timestamp

if TYPE_CHECKING:
    from llmesc.dashboard.app import Settings
    from llmesc.dashboard.feed import Feed
    from llmesc.engine import Engine
    from llmesc.escalation.events import Event


def theme_names() -> Sequence[str]:
    """What `Settings.theme` may be."""
    from textual.theme import BUILTIN_THEMES

    return sorted(BUILTIN_THEMES)


async def watch(engine: Engine, settings: Settings | None = None) -> str | None:
    """Opens the dashboard and waits until it is left; the last answer that was accepted in it, if there was one.

    Needs a terminal on standard input and standard error. A fault inside it is raised, after the terminal was put right.
    """
    from llmesc.dashboard.live_feed import LiveFeed

    return await _open(LiveFeed(engine, _now), engine, settings)


async def play(events: Sequence[Event], settings: Settings | None = None) -> None:
    """Opens the dashboard on one recorded run, all of its `events` in order. Needs a terminal, as `watch` does."""
    from llmesc.dashboard.replay import Replay

    await _open(Replay(events, title=f"replay of {events[0].run_id}"), None, settings)


async def _open(feed: Feed, engine: Engine | None, settings: Settings | None) -> str | None:
    import asyncio

    from llmesc.dashboard.app import Dashboard

    app = Dashboard(feed, now=_now, engine=engine, settings=settings)
    answer = await app.run_async()
    if app.fault is not None:
        raise app.fault
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # Textual ends in peace where it was cancelled; who cancelled is to know
        raise asyncio.CancelledError
    return answer


def _now() -> Timestamp:
    return Timestamp(time.time())
