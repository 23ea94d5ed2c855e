"""Whose clock counts where hosts share a state: the server's."""

from __future__ import annotations

from llmesc.escalation.times import Clock, Timestamp

TOLERANCE_SECONDS = 0.25
"""A host whose clock is no further off is taken as right: what an answer takes on its way is no difference of clocks."""

REFUSED_SECONDS = 1.0
"""What was decided by a clock that is further off than this is not written: see `_clock.lua`."""


class ServerTime:
    """The server's time as this process knows it: its own clock, put right by what each answer tells."""

    def __init__(self, clock: Clock, *, follow: bool) -> None:
        """`follow` False takes `clock` as the server's: for tests that set it by hand."""
        self._clock = clock
        self._follow = follow
        self.ahead_seconds = 0.0
        """How far the server's clock is ahead of this host's; 0 where both agree."""

    def now(self) -> Timestamp:
        """The server's time."""
        return Timestamp(self._clock.now() + self.ahead_seconds)

    def heard(self, server_seconds: float) -> None:
        """An answer that has just come was written at that time."""
        ahead = server_seconds - self._clock.now()
        if self._follow and abs(ahead - self.ahead_seconds) > TOLERANCE_SECONDS:
            self.ahead_seconds = 0.0 if abs(ahead) <= TOLERANCE_SECONDS else ahead

    def said(self) -> tuple[str, str]:
        """What every script is told first: the time that decisions were made by, and how far off it may be."""
        return repr(float(self.now())), repr(REFUSED_SECONDS) if self._follow else ""
