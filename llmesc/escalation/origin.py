"""Where a call comes from, for wires whose far end keeps a record of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.light_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The run that a call belongs to."""

    run_id: str = ""
    caller: Mapping[str, str] = field(default_factory=dict)
    """As in `RunStarted.caller`."""
    capture: CaptureMode = "full"
    """How much of what is said may be kept: a far end keeps no more."""


UNKNOWN = Origin()
"""A call that no run makes: a judge's, a test's."""
