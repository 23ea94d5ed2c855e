"""Opens the wires of candidates: a command that prints a key, weights that are fetched at first use."""

from __future__ import annotations

import asyncio
from typing import Any

from llmesc.escalation.interrupt import before
from llmesc.escalation.pieces import Provider
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import OpenProvider


class Opening:
    """Of one run."""

    def __init__(self, open_provider: OpenProvider, stream: EventStream) -> None:
        self._open_provider = open_provider
        self._stream = stream
        self.seconds = 0.0
        """Spent on it while nobody worked on the answer: no part of the time for the run."""

    async def open(self, candidate: Resolution) -> Provider:
        """Its wire. Raises `CredentialsMissing`, and `Interrupted` where the run is cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await self._stream.interruptible.wait(self._open_provider(candidate), float("inf"))
        finally:
            self.seconds += loop.time() - began

    async def open_beside(self, candidate: Resolution, unless: asyncio.Future[Any], deadline: float) -> Provider:
        """As `open`, while another is at work. Raises `Overtaken` where `unless` is done first, `Interrupted` also at `deadline`
        (of the loop's clock).
        """
        return await self._stream.interruptible.wait(before(unless, self._open_provider(candidate)), deadline)
