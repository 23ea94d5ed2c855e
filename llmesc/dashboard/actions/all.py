"""All commands together, in the order of the help."""

from __future__ import annotations

from llmesc.dashboard.actions import answer, asking, circuits, copying, looking, models, plotting, replaying, requests, timeline

COMMANDS = (
    *asking.COMMANDS,
    *circuits.COMMANDS,
    *models.COMMANDS,
    *requests.COMMANDS,
    *timeline.COMMANDS,
    *answer.COMMANDS,
    *copying.COMMANDS,
    *replaying.COMMANDS,
    *plotting.COMMANDS,
    *looking.COMMANDS,
)
