"""From commands to Textual's bindings: of the whole screen, or of one pane."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.situation import Pane


def bindings(pane: Pane | None) -> list[BindingType]:
    """Those whose keys count in `pane`, or everywhere for None. What a pane binds goes before what the screen binds."""
    return [
        Binding(
            command.key,
            f"screen.command({command.id!r})",
            command.label,
            show=command.footer,
            id=command.id,
            tooltip=command.about,
        )
        for command in COMMANDS
        if command.pane == pane
    ]
