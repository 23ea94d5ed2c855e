"""Who races: llmesc twice, bare httpx twice, the floor, and the peers, each with the Python that it runs on."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.beside.environments import Absent, environment_of, peers


@dataclass(frozen=True)
class Contestant:
    """A module of contestants/, and the Python that runs it."""

    name: str
    title: str
    module: str
    python: Path = Path(sys.executable)
    variant: str = ""


OURS = (
    Contestant("llmesc", "llmesc, state in memory", "of_llmesc", variant="memory:"),
    Contestant("llmesc-sqlite", "llmesc, durable (SQLite)", "of_llmesc"),
    Contestant("httpx", "bare httpx", "bare_httpx"),
    Contestant("httpx-kept", "bare httpx, each connection kept", "bare_httpx", variant="kept"),
    Contestant("raw", "raw socket (the floor)", "raw_socket"),
)
"""Those that need nothing but llmesc's own environment."""


@dataclass
class Field:
    """Whom this machine can run."""

    contestants: dict[str, Contestant]
    versions: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each peer, all that was installed with it."""
    absent: dict[str, str] = field(default_factory=dict)
    """Name and reason."""

    def drop(self, name: str, reason: str) -> None:
        """From here on it races no more."""
        self.contestants.pop(name, None)
        self.absent[name] = reason


def gather(without: Collection[str]) -> Field:
    """Makes an environment for each peer that is wanted."""
    found = Field({each.name: each for each in OURS if each.name not in without})
    for name, peer in peers().items():
        if peer.module is None or name in without:
            continue
        try:
            environment = environment_of(peer)
        except Absent as absent:
            found.absent[name] = str(absent)
            continue
        found.contestants[name] = Contestant(name, peer.title, peer.module, environment.python)
        found.versions[name] = environment.versions
    return found
