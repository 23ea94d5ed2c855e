"""The machine's clock."""

from __future__ import annotations

import time

from llmesc.escalation.times import Timestamp


class SystemClock:
    """The only reader of the machine's time."""

    def now(self) -> Timestamp:
        """Wall time."""
        return Timestamp(time.time())

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()
