"""Whether an answer is still coming: limits that only content pushes back. Times are of one monotonic clock.

- The first token: within `first_token_seconds` of the start.
- Between tokens: `stall_seconds`.
- How fast: at least `min_rate` in every window of `min_rate_over_seconds`, the first of them begins with the first content. It is
  seen when the window ends, whether anything comes then or not. A window is no shorter than a stall: mere silence is judged by
  the limit for silence.
- All of it: within `total_seconds`, and within what is left of the run.

Content is text, thinking, tool calls and fragments of them. A keep-alive, a role, an empty delta or a count of tokens is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.latency import LEARNED_FROM_CALLS, Latency, percentile
from llmesc.escalation.limits import Timeouts

LATE_USAGE_SECONDS = 2.0
"""How long to wait for usage behind the finish: some servers send it in a chunk of its own, some keep the line open."""

LEARNED_MULTIPLE = 3.0
LEARNED_LEAST, LEARNED_MOST = 1 / 3, 2.0
"""Parts of the limit that holds without history, between which a learned one stays: a long prompt takes longer than short ones
did, and a model that became slow does not make llmesc wait for ever.
"""

Breach = Literal["first_token", "stall", "total", "min_rate", "deadline"]


def learned(timeouts: Timeouts, calls: Sequence[Latency]) -> Timeouts:
    """With the first-token limit that a model's latest answers teach: three times what 95 of 100 of them took. One that the
    operator set stays.
    """
    if timeouts.first_token_is_set or not calls:
        return timeouts
    known = [call.first_token_seconds for call in calls if call.first_token_seconds is not None]
    slow = percentile(known, 0.95)
    if slow is None or len(known) < LEARNED_FROM_CALLS:
        return timeouts
    usual = timeouts.first_token_seconds
    seconds = min(max(slow * LEARNED_MULTIPLE, usual * LEARNED_LEAST), usual * LEARNED_MOST)
    return replace(timeouts, first_token_seconds=seconds, learned_from_calls=len(known))


def patient(timeouts: Timeouts, grace: float) -> Timeouts:
    """For the last candidate, behind which nobody waits: `grace` times as long for its first token and between tokens, and as
    much slower. All of it together takes no longer, so that a probe's lease still outlasts it.
    """
    if grace == 1.0:
        return timeouts
    return replace(
        timeouts,
        first_token_seconds=timeouts.first_token_seconds * grace,
        stall_seconds=timeouts.stall_seconds * grace,
        min_rate_characters_per_second=timeouts.min_rate_characters_per_second / grace,
        grace=grace,
    )


def where_from(timeouts: Timeouts) -> str:
    """Where the limit for the first token comes from, in words: `learned from its latest 20 answers`."""
    words = {
        "learned": f"learned from its latest {timeouts.learned_from_calls} answers",
        "configured": "configured",
        "default": "usual for its tier",
    }[timeouts.first_token_from]
    return words if timeouts.grace == 1.0 else f"{words}, times {timeouts.grace:g} as the last candidate"


class Liveness:
    """Of one attempt. The caller tells it of content and asks it how long to wait; it reads no clock."""

    def __init__(self, timeouts: Timeouts, started: float, run_deadline: float) -> None:
        self._timeouts = timeouts
        self._content_by = started + timeouts.first_token_seconds
        self._rate_by = float("inf")
        self._total_by = started + timeouts.total_seconds
        self._run_deadline = run_deadline
        self._paused_seconds = 0.0
        self._window_seconds = max(timeouts.min_rate_over_seconds, timeouts.stall_seconds)
        self._wanted_characters = timeouts.min_rate_characters_per_second * self._window_seconds
        self._latest: deque[tuple[float, int]] = deque()
        """The newest content, no more of it than a window asks for: when, and how many characters."""
        self._latest_characters = 0
        self.first_content_at: float | None = None
        self.deadline = 0.0
        """When waiting for the next content must end."""
        self._move()

    def _move(self) -> None:
        own = min(self._content_by, self._rate_by, self._total_by)
        self.deadline = min(own + self._paused_seconds, self._run_deadline)

    def content(self, now: float, characters: int) -> None:
        """Some content came."""
        if self.first_content_at is None:
            self.first_content_at = now
        at = now - self._paused_seconds
        self._content_by = at + self._timeouts.stall_seconds
        latest, wanted = self._latest, self._wanted_characters
        latest.append((at, characters))
        self._latest_characters += characters
        while len(latest) > 1 and self._latest_characters - latest[0][1] >= wanted:
            self._latest_characters -= latest.popleft()[1]
        # Enough has come since the oldest of them (or not yet since the first): without more, that ends with its window.
        self._rate_by = latest[0][0] + self._window_seconds
        self._move()

    def paused(self, seconds: float) -> None:
        """The reader was behind, and nobody asked for content: that time is not the provider's."""
        self._paused_seconds += seconds
        self._move()

    def finish(self, now: float) -> None:
        """The answer's end was seen: only a late count of tokens may still come, and it is not worth a long wait."""
        self._content_by, self._rate_by = now - self._paused_seconds + LATE_USAGE_SECONDS, float("inf")
        self._move()

    def breach(self) -> Breach:
        """Which limit the earliest deadline belongs to."""
        if self.deadline == self._run_deadline:
            return "deadline"
        own = min(self._content_by, self._rate_by, self._total_by)
        if own == self._total_by:
            return "total"
        if own == self._content_by:
            return "first_token" if self.first_content_at is None else "stall"
        return "min_rate"

    def failure(self, breach: Breach) -> Failure:
        """The failure that a breach makes; a breach of the run's deadline is nobody's."""
        timeouts = self._timeouts
        message = {
            "first_token": f"no content within {round(timeouts.first_token_seconds, 2):g} s ({where_from(timeouts)})",
            "stall": f"no further content for {timeouts.stall_seconds:g} s",
            "total": f"not finished within {timeouts.total_seconds:g} s",
            "min_rate": f"under {timeouts.min_rate_characters_per_second:g} characters a second over {self._window_seconds:g} s",
            "deadline": "the time for the run is spent",
        }[breach]
        return Failure(kind=FailureKind.TIMEOUT, rule=f"liveness.{breach}", message=message, matched=breach)
