"""How far a played run is: the moment, and what it has used of its limits."""

from __future__ import annotations

from decimal import Decimal

from llmesc.escalation.envelope import Left
from llmesc.escalation.limits import Limits
from llmesc.escalation.times import Timestamp


class Course:
    """Of one run. Its own time is counted from its beginning: moments have too few digits to be added up."""

    def __init__(self, began: Timestamp, limits: Limits) -> None:
        self.began = began
        self.seconds = 0.0
        """Since it began."""
        self.deadline = limits.deadline_seconds
        """As `seconds`."""
        self.made = 0
        """Calls, hedges included."""
        self.spent = Decimal(0)
        """US dollars, as far as they are known."""
        self._limits = limits

    @property
    def now(self) -> Timestamp:
        """The moment, for what runs share."""
        return Timestamp(self.began + self.seconds)

    def go_on_in(self, seconds: float) -> Timestamp:
        """So much time passes; the moment after it."""
        self.seconds += seconds
        return self.now

    def left(self) -> Left:
        """Of the run's limits, now."""
        cap = self._limits.max_cost
        return Left(
            seconds=self.deadline - self.seconds,
            dollars=None if cap is None else cap - self.spent,
            attempts=self._limits.max_attempts - self.made,
        )
