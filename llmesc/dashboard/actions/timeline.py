"""Commands on the timeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command
from llmesc.escalation.codec import encode_event

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _no_event(now: Situation) -> str:
    return "" if now.event is not None else "no event is chosen"


async def detail(desk: MainScreen) -> None:
    """The whole event as JSON."""
    from llmesc.dashboard.screens.reading import Reading

    event = desk.situation.event
    assert event is not None, "refused before"
    text = json.dumps(encode_event(event), ensure_ascii=False, indent=2)
    await desk.app.push_screen_wait(Reading(f"{event.type} · {event.run_id}.{event.seq}", text))


def level(desk: MainScreen) -> None:
    """The next level."""
    desk.say(f"events: {desk.timeline.cycle_level()} and above")


async def kinds(desk: MainScreen) -> None:
    """Which kinds are shown."""
    from llmesc.dashboard.screens.kinds import KindsToShow

    hidden = await desk.app.push_screen_wait(KindsToShow(desk.timeline.hidden))
    desk.timeline.hide(hidden or frozenset())


def search(desk: MainScreen) -> None:
    """Looks for a text."""
    desk.timeline.search()


COMMANDS = (
    Command(
        id="event.open",
        key="enter",
        label="open",
        about="Show the whole event as JSON.",
        act=detail,
        pane="events",
        footer=True,
        blocked=_no_event,
    ),
    Command(
        id="event.level",
        key="l",
        label="level",
        about="Show events of the next level and above.",
        act=level,
        pane="events",
        footer=True,
    ),
    Command(
        id="event.kinds",
        key="x",
        label="kinds",
        about="Choose which kinds of events are shown.",
        act=kinds,
        pane="events",
        footer=True,
    ),
    Command(
        id="event.search", key="slash", label="find", about="Find a text in the events.", act=search, pane="events", footer=True
    ),
)
