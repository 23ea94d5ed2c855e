"""How long, how often, how much: what bounds a run and an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """What one attempt may take, in seconds. Only content counts as a sign of life, not a keep-alive."""

    connect_seconds: float = 5.0
    first_token_seconds: float = 30.0
    stall_seconds: float = 15.0
    total_seconds: float = 120.0
    min_rate_characters_per_second: float = 2.0
    min_rate_over_seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds one run."""

    max_attempts: int = 3
    deadline_seconds: float = 120.0
    """From the start of the run; waits included."""
    max_cost: Decimal | None = None
    """US dollars."""
    escalation: bool = True
    """False: only the primary is called (single-call mode)."""
    skip_open_circuits: bool = True
    quality_threshold: int = 50
    """0 to 100; 0 accepts whatever came."""
    privacy: bool = False
    """Only candidates whose prompts stay on machines of the operator."""
    stop_on_content_policy: bool = False
    """A provider's filter refused: True stops the run, False asks another provider."""
    wait: bool = True
    """Wait for a rate limit or a probe elsewhere when nothing else is left and the deadline allows."""
    denial_seconds: float = 3600.0
