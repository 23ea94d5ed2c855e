"""Commands that change only what is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command
from llmesc.dashboard.situation import PANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Pane


def pause(desk: MainScreen) -> None:
    """Freezes what is shown, or lets it go on; a replay stops or plays."""
    from llmesc.dashboard.replay import Replay

    if isinstance(desk.feed, Replay):
        desk.feed.toggle()
        desk.frame()
    else:
        desk.pause(not desk.paused)


def follow(desk: MainScreen) -> None:
    """The newest request, and the end of its answer."""
    desk.follow()


def maximise(desk: MainScreen) -> None:
    """The pane alone, or all of them again."""
    desk.toggle_maximised()


def back(desk: MainScreen) -> None:
    """Undoes the last thing that stands in the way: maximised, filtered, then a request in flight is cancelled."""
    desk.back()


async def keys(desk: MainScreen) -> None:
    """The help."""
    from llmesc.dashboard.screens.keys import Keys

    settings = desk.desk.settings
    await desk.app.push_screen_wait(Keys(dict(settings.keys), desk.situation.pane, read_only=settings.read_only))


def leave(desk: MainScreen) -> None:
    """Ends the dashboard."""
    desk.leave()


def _focus(pane: Pane) -> Callable[[MainScreen], None]:
    def act(desk: MainScreen) -> None:
        desk.focus_pane(pane)

    return act


COMMANDS = (
    Command(id="pause", key="space,p", label="pause", about="Freeze what is shown; reading goes on.", act=pause, footer=True),
    Command(id="follow", key="f", label="follow", about="Follow the newest request and the end of its answer.", act=follow),
    Command(id="maximise", key="z", label="maximise", about="Show this pane alone, or all of them again.", act=maximise),
    Command(id="back", key="escape", label="back", about="Close, clear the filter, or cancel the request that runs.", act=back),
    *(
        Command(id=f"pane.{pane}", key=str(number), label=pane, about=f"Go to the {pane}.", act=_focus(pane))
        for number, pane in enumerate(PANES, 1)
    ),
    Command(id="help", key="question_mark,f1", label="help", about="Show every key.", act=keys, footer=True),
    Command(id="quit", key="q,ctrl+q", label="quit", about="Leave the dashboard.", act=leave, footer=True),
)
