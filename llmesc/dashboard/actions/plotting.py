"""The command that opens the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _of_one_request(now: Situation) -> str:
    what = "replay" if now.replaying else "drill" if now.drilling else ""
    return f"a {what} is one request; the plots are of all of them" if what else ""


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
        blocked=_of_one_request,
    ),
)
