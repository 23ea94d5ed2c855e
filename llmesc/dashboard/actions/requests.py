"""Commands on the list of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen


def narrow(desk: MainScreen) -> None:
    """Opens the filter."""
    desk.requests.search()


def sort(desk: MainScreen) -> None:
    """The next order."""
    desk.say(f"requests: {desk.requests.next_order()} first")


COMMANDS = (
    Command(
        id="requests.filter",
        key="slash",
        label="filter",
        about="Show some requests: words, !word, provider: (who was called), outcome:, chain:",
        act=narrow,
        pane="requests",
        footer=True,
    ),
    Command(
        id="requests.sort",
        key="s",
        label="sort",
        about="List the newest first, the dearest, the longest, those with most tokens or attempts.",
        act=sort,
        pane="requests",
        footer=True,
    ),
)
