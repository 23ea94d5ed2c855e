"""Where the user stands: what a command may act on, and what it must know to say why it cannot. Pure values."""

from __future__ import annotations

from typing import Literal

from llmesc.dashboard.board import Board
from llmesc.engine import CircuitLine, RunSummary
from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import Resolution

Pane = Literal["requests", "attempts", "answer", "circuits", "events"]

PANES: tuple[Pane, ...] = ("requests", "attempts", "answer", "circuits", "events")
"""In the order of their numbers, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One moment of the main screen."""

    board: Board
    pane: Pane
    """That has the focus, or had it last."""
    run: RunSummary | None = None
    """The chosen request."""
    view: RunView | None = None
    circuit: CircuitLine | None = None
    """Under the cursor of the circuits; elsewhere that of the attempt under the cursor, or of the request's last."""
    candidate: Resolution | None = None
    """Of the attempt under the cursor, or the request's last."""
    denial: Denial | None = None
    """Under the cursor of the circuits, where that is one."""
    event: Event | None = None
    """Under the cursor of the timeline."""
    read_only: bool = False
    replaying: bool = False
    drilling: bool = False
    """Everything is played, and of no consequence."""
