"""How long, how often, how much: what bounds a run and an attempt."""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import Literal

from llmesc.escalation.hedging import HedgeAfter
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.waiting import WaitOrEscalate

Resume = Literal["restart", "continue"]
"""What follows a stream that broke after text of it was shown."""

AllOpen = Literal["fail", "try"]
"""What follows when every circuit is open."""

GateMode = Literal["off", "window", "full"]
"""What a streaming reader gets before an answer is judged."""

FirstTokenFrom = Literal["learned", "configured", "default"]
"""Where a limit for the first token comes from: the model's latest answers, an operator, or what is usual for its tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """What one attempt may take, in seconds. Only content counts as a sign of life, not a keep-alive."""

    connect_seconds: float = 5.0
    first_token_seconds: float = 30.0
    stall_seconds: float = 15.0
    total_seconds: float = 120.0
    min_rate_characters_per_second: float = 6.0
    """More than one token a second, in any script."""
    min_rate_over_seconds: float = 20.0
    first_token_is_set: bool = False
    """An operator set `first_token_seconds`: nothing that is learned changes it."""
    learned_from_calls: int = 0
    """So many of the model's latest answers taught `first_token_seconds`; 0: none did."""
    grace: float = 1.0
    """By which it was made longer for the last candidate."""

    @property
    def first_token_from(self) -> FirstTokenFrom:
        """Where `first_token_seconds` comes from."""
        return "learned" if self.learned_from_calls else "configured" if self.first_token_is_set else "default"


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
    wait_or_escalate: WaitOrEscalate = "escalate"
    """Where a later candidate could be called at once: see `waiting`."""
    all_open: AllOpen = "fail"
    """Every circuit is open: `fail` at once with the soonest time, or `try` the best of them anyway."""
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    """The retry budget that all processes share, for each chain."""
    denial_seconds: float = 3600.0
    max_tool_rounds: int = 8
    """How often the model gets results of tools, unless the toolbox says it."""
    tool_timeout_seconds: float = 30.0
    """For one call of one tool, unless the toolbox says it."""
    resume: Resume = "restart"
    """After a stream broke in mid-answer: `restart` discards what was shown and says so; `continue` lets the next candidate go on
    from there, where that is possible.
    """
    gate: GateMode = "off"
    """`off`: text is shown as it comes. `window`: its beginning is held until it looks like an answer. `full`: all of it is held
    until it is accepted.
    """
    gate_characters: int = 200
    """How much of an answer its beginning is: as far as a refusal explains itself, a second or so of a hosted model."""
    gate_seconds: float = 1.0
    """From the first text: after that a beginning without a flaw is shown, however short it is."""
    hedge_after: HedgeAfter = "off"
    """How long a call may be silent before the next candidate is called beside it; see `hedging`."""
    last_grace: float = 2.0
    """The last candidate that is left gets so many times its limits of liveness; see `liveness.patient`."""
