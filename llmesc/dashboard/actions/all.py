"""All commands together, in the order of the help."""

from __future__ import annotations

from llmesc.dashboard.actions import (
    answer,
    asking,
    circuits,
    copying,
    drilling,
    fleet,
    looking,
    models,
    plotting,
    replaying,
    requests,
    timeline,
)

COMMANDS = (
    *asking.COMMANDS,
    *circuits.COMMANDS,
    *models.COMMANDS,
    *requests.COMMANDS,
    *timeline.COMMANDS,
    *answer.COMMANDS,
    *copying.COMMANDS,
    *replaying.COMMANDS,
    *drilling.COMMANDS,
    *plotting.COMMANDS,
    *fleet.COMMANDS,
    *looking.COMMANDS,
)
