"""Whether an endpoint can be used, found out without calling a model."""

from __future__ import annotations

from llmesc.escalation.failures import Failure
from llmesc.escalation.light_dataclass import dataclass

PROBE_SECONDS = 5.0
"""What is slower than this to list its models is not in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one look at an endpoint showed."""

    reachable: bool
    """Something that speaks HTTP answered."""
    key_accepted: bool | None = None
    """None: it did not come to that, or the server asks for no key."""
    models: tuple[str, ...] | None = None
    """The models it lists; None where it lists none."""
    failure: Failure | None = None
    """What went wrong, classified."""
