"""Tokens a second over the last moments. Pure: times are given."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 10.0


class Throughput:
    """Of one worker."""

    def __init__(self) -> None:
        self._latest: deque[tuple[float, int]] = deque()
        self._tokens = 0

    def add(self, tokens: int, now: float) -> None:
        """So many came now."""
        self._latest.append((now, tokens))
        self._tokens += tokens

    def per_second(self, now: float) -> float:
        """Over the last ten seconds."""
        while self._latest and self._latest[0][0] <= now - WINDOW_SECONDS:
            self._tokens -= self._latest.popleft()[1]
        return self._tokens / WINDOW_SECONDS
