"""The command that opens the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _replaying(now: Situation) -> str:
    return "a replay is one request of the past; the fleet is of now" if now.replaying else ""


async def fleet(desk: MainScreen) -> None:
    """Shows it until it is closed."""
    from llmesc.dashboard.screens.fleet import Fleet

    await desk.app.push_screen_wait(Fleet(desk.fleet))


COMMANDS = (
    Command(
        id="fleet",
        key="w",
        label="fleet",
        about="Show the fleet: workers, lanes, load, tokens a second.",
        act=fleet,
        blocked=_replaying,
    ),
)
