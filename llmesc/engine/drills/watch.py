"""How much time a run loses beyond what no one can help: from the moment a played fault can be known to the next attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import assert_never

from llmesc.engine.drills.stations import Station
from llmesc.escalation.events import AttemptFinished, AttemptStarted, Event, Waiting
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.resolution import ModelKey


class Watch:
    """Over one run: tell it of each event as it comes."""

    def __init__(self, stations: Mapping[ModelKey, Station], timeouts: Mapping[ModelKey, Timeouts], *, stream: bool) -> None:
        self._stations = stations
        self._timeouts = timeouts
        self._stream = stream
        self._started_at: dict[int, float] = {}
        """By attempt: two may run at the same time."""
        self._known_at: float | None = None
        """When the fault of the attempt that ended last could be known; None: it was no played fault, or was waited upon
        since.
        """
        self.added: list[float] = []
        """Seconds, for each attempt that another one followed at once."""

    def see(self, event: Event) -> None:
        """The next event, at the time it is read."""
        now = asyncio.get_running_loop().time()
        match event:
            case AttemptStarted(hedges=None):
                if self._known_at is not None:
                    self.added.append(max(0.0, now - self._known_at))
                self._started_at[event.attempt], self._known_at = now, None
            case AttemptStarted():
                self._started_at[event.attempt] = now
            case AttemptFinished(lost_to=None):
                self._known_at = self._could_be_known(event.resolution.model_key, self._started_at[event.attempt])
            case Waiting():
                self._known_at = None
            case _:
                pass

    def _could_be_known(self, key: ModelKey, started_at: float) -> float | None:
        station = self._stations.get(key)
        if station is None or station.fault is None:
            return None
        timeouts, known = self._timeouts[key], station.fault.known
        if not self._stream and known in ("stall", "rate"):
            known = "first_token"  # an answer that is not streamed comes whole or not at all
        match known:
            case "sent":
                return station.noted_at
            case "start":
                return started_at
            case "first_token":
                return started_at + timeouts.first_token_seconds
            case "stall":
                return station.noted_at + timeouts.stall_seconds
            case "rate":
                return station.noted_at + max(timeouts.min_rate_over_seconds, timeouts.stall_seconds)
            case _:
                assert_never(known)
