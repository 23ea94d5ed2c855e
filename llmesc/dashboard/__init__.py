"""The live dashboard: one screen over what every process that shares the state does. `watch` opens it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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

    feed = LiveFeed(engine, _now)
    await _open(feed, engine, settings)
    return feed.accepted


async def demonstrate(settings: Settings | None = None, *, on_warning: Callable[[str], None] | None = None) -> str | None:
    """Opens the dashboard on a simulated chain and on a story of a minute: an answer that is not good enough, an outage, a rate
    limit, a recovery; then quiet traffic until it is left. As `watch`, but nothing of the user's is read or written.
    """
    import asyncio
    from random import random

    from llmesc.dashboard.demo.feed import DemoFeed
    from llmesc.engine.demo import open_demo, the_story

    story = the_story()
    async with open_demo(story, on_warning=on_warning) as engine:
        monotonic = asyncio.get_running_loop().time
        began = monotonic()
        feed = DemoFeed(engine, _now, story=story, passed_seconds=lambda: monotonic() - began, random=random)
        await _open(feed, engine, settings)
        return feed.accepted


async def play(events: Sequence[Event], settings: Settings | None = None) -> None:
    """Opens the dashboard on one recorded run, all of its `events` in order. Needs a terminal, as `watch` does."""
    from llmesc.dashboard.replay import Replay

    await _open(Replay(events, title=f"replay of {events[0].run_id}"), None, settings)


async def _open(feed: Feed, engine: Engine | None, settings: Settings | None) -> None:
    import asyncio

    from llmesc.dashboard.app import Dashboard

    app = Dashboard(feed, now=_now, engine=engine, settings=settings)
    await app.run_async()
    if app.fault is not None:
        raise app.fault
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # Textual ends in peace where it was cancelled; who cancelled is to know
        raise asyncio.CancelledError


def _now() -> Timestamp:
    return Timestamp(time.time())
