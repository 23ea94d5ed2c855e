"""Whether an answer is still coming: four limits, pushed back by content alone. Times are of one monotonic clock."""

from __future__ import annotations

from typing import Literal

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.limits import Timeouts

LATE_USAGE_SECONDS = 2.0
"""How long to wait for usage behind the finish: some servers send it in a chunk of its own, some keep the line open."""

Breach = Literal["first_token", "stall", "total", "min_rate", "deadline"]


class Liveness:
    """Of one attempt. The caller tells it of content and asks it how long to wait; it reads no clock."""

    def __init__(self, timeouts: Timeouts, started: float, run_deadline: float) -> None:
        self._timeouts = timeouts
        self._content_by = started + timeouts.first_token_seconds
        self._total_by = started + timeouts.total_seconds
        self._run_deadline = run_deadline
        self.first_content_at: float | None = None
        self._window_from = started
        self._window_characters = 0

    @property
    def deadline(self) -> float:
        """When waiting for the next content must end."""
        return min(self._content_by, self._total_by, self._run_deadline)

    def content(self, now: float, characters: int) -> Breach | None:
        """Some content came; `min_rate` where it comes too slowly to be an answer."""
        timeouts = self._timeouts
        if self.first_content_at is None:
            self.first_content_at = self._window_from = now
        self._content_by = now + timeouts.stall_seconds
        self._window_characters += characters
        passed = now - self._window_from
        if passed < timeouts.min_rate_over_seconds:
            return None
        slow = self._window_characters < timeouts.min_rate_characters_per_second * passed
        self._window_from, self._window_characters = now, 0
        return "min_rate" if slow else None

    def finish(self, now: float) -> None:
        """The answer's end was seen: only a late count of tokens may still come, and it is not worth a long wait."""
        self._content_by = now + LATE_USAGE_SECONDS

    def breach(self) -> Breach:
        """Which limit the earliest deadline belongs to."""
        if self.deadline == self._run_deadline:
            return "deadline"
        if self.deadline == self._total_by:
            return "total"
        return "first_token" if self.first_content_at is None else "stall"

    def failure(self, breach: Breach) -> Failure:
        """The failure that a breach makes; a breach of the run's deadline is nobody's."""
        timeouts = self._timeouts
        message = {
            "first_token": f"no content within {timeouts.first_token_seconds:g} s",
            "stall": f"no further content for {timeouts.stall_seconds:g} s",
            "total": f"not finished within {timeouts.total_seconds:g} s",
            "min_rate": f"under {timeouts.min_rate_characters_per_second:g} characters a second "
            f"over {timeouts.min_rate_over_seconds:g} s",
            "deadline": "the time for the run is spent",
        }[breach]
        return Failure(kind=FailureKind.TIMEOUT, rule=f"liveness.{breach}", message=message, matched=breach)
