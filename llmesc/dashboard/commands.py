"""Every command of the dashboard, once: its key, its place in the footer, the palette and the help, and when it cannot act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from llmesc.dashboard.situation import Pane, Situation
from llmesc.escalation.light_dataclass import dataclass

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen


def _always(_: Situation) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing that the user can have done."""

    id: str
    """What `[dashboard.keys]` of the configuration names: `circuit.reset`."""
    key: str
    """One or more, parted by commas, as Textual writes them."""
    label: str
    """In the footer; short."""
    about: str
    """In the palette and the help: one sentence."""
    act: Callable[[MainScreen], Awaitable[None] | None]
    """What only changes what is seen is done when it returns, before the next key is looked at; what asks the user or the store
    returns something to wait for.
    """
    pane: Pane | None = None
    """Where its key counts; None: everywhere."""
    changes: bool = False
    """It changes something that others share, or spends money: not there with `--read-only`."""
    footer: bool = False
    blocked: Callable[[Situation], str] = _always
    """Why it cannot act now, in words; empty where it can."""


def refusal(command: Command, situation: Situation) -> str:
    """Why `command` cannot act in `situation`; empty where it can. Pure."""
    if command.changes and situation.read_only:
        return "the dashboard was started with --read-only"
    if command.changes and situation.replaying:
        return "this is a replay: nothing here can be changed"
    if command.changes and situation.drilling:
        return "this is a drill: nothing here can be changed"
    return command.blocked(situation)
