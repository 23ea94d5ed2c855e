"""The command that opens the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _replaying(now: Situation) -> str:
    return "a replay is one request; the plots are of all of them" if now.replaying else ""


async def plots(desk: MainScreen) -> None:
    """Shows them until they are closed."""
    from llmesc.dashboard.screens.plots import Plots

    await desk.app.push_screen_wait(Plots(desk.trends))


COMMANDS = (
    Command(
        id="plots",
        key="i",
        label="plots",
        about="Plot outcomes and latency of the last hour, and cost by day.",
        act=plots,
        blocked=_replaying,
    ),
)
