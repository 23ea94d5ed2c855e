"""What so many hosts need of one Redis, from what each thing costs it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from llmesc.dashboard.news import PAUSE_SECONDS

READS_A_SECOND = 5_000.0
"""Of one Python process: a round trip takes it 0.2 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What all hosts do together. One host: an answer of 500 tokens a second, of which ten stream at once."""

    hosts: int
    answers_a_second: float = 1.0
    """Of each host, as the rest."""
    batches: float = 98.0
    """Of one answer: one in a tenth of a second."""
    streams: float = 10.0
    """At once."""
    dashboards: int = 0

    @property
    def all_streams(self) -> float:
        """Of all hosts."""
        return self.hosts * self.streams

    @property
    def look_seconds(self) -> float:
        """What a dashboard takes to look at all of them: it reads one after the other, and pauses before it looks again."""
        return self.all_streams / READS_A_SECOND + PAUSE_SECONDS


BUSIEST = 0.6
"""The part of its one core that a server should use at most: beyond it, those who ask begin to wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The part of one core that each thing takes."""

    answers: float
    tokens: float
    dashboards: float
    fleet: float

    @property
    def state(self) -> float:
        """Without the fleet, which may have a server of its own."""
        return self.answers + self.tokens + self.dashboards

    @property
    def servers(self) -> int:
        """For the state."""
        return max(1, math.ceil(self.state / BUSIEST))

    @property
    def fleet_servers(self) -> int:
        """For the fleet, where all answers go over it."""
        return max(1, math.ceil(self.fleet / BUSIEST))


def need(load: Load, cpu_us: Mapping[str, float]) -> Need:
    """`cpu_us`: what each thing costs the server, by the names of `redis_load.measured`."""
    answers = load.hosts * load.answers_a_second
    look_us = cpu_us["look"] + load.all_streams * cpu_us["follow"]
    return Need(
        answers=answers * cpu_us["rest"] / 1e6,
        tokens=answers * load.batches * cpu_us["batch"] / 1e6,
        dashboards=load.dashboards / load.look_seconds * look_us / 1e6,
        fleet=answers * cpu_us["fleet"] / 1e6,
    )
