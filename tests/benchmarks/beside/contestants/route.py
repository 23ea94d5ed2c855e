"""What every contestant can do, and nothing more: so each of them is a file that a reader takes in at a glance.

This file and `worker.py` are run by the Python of each peer's own environment, where neither llmesc nor httpx is installed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PROMPT = "What is the capital of France?"
MODEL = "m"
KEY = "sk-beside"


TAKEN_BACK = None
"""In a stream: the pieces before this count no more, another provider begins anew."""


@dataclass(frozen=True)
class Chain:
    """Whom to call, in order."""

    bases: Sequence[str]
    """Base URLs, each ending in `/v1`."""
    as_it_comes: bool = False
    """True: as its documentation sets it up, to see what a user meets. False: without retries and cooldowns, so that everybody
    sends the same requests and only the cost differs."""
    silence_seconds: float | None = None
    """How long a provider may say nothing. None: as it comes."""
    variant: str = ""
    """Of a contestant that has several."""


class Route(Protocol):
    """One contestant, ready to call one chain."""

    async def call(self) -> str:
        """The text of one answer that is not streamed."""

    def stream(self) -> AsyncIterator[str | None]:
        """The pieces of one that is, as they come; `TAKEN_BACK` among them."""

    async def between(self) -> None:
        """What makes the next call meet the same; outside of what is measured."""

    async def aclose(self) -> None:
        """Lets go of connections."""


class Opener(Protocol):
    """What a contestant's module has to offer, under the name `open_route`. `folder` is its own, and empty."""

    async def __call__(self, chain: Chain, folder: Path) -> Route: ...
