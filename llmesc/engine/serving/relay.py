"""Hands on what a provider says while a run consumes it, so that pieces and failures arrive as they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

from llmesc.escalation.failures import CallFailed, Failure
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.pieces import Call, Opened, Piece, Provider
from llmesc.escalation.quality import Draft, Verdict
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.selected import OpenProvider


class Relay:
    """Of one run. `put` is given each piece, and may wait: then the provider waits, too."""

    def __init__(self, put: Callable[[Piece], Awaitable[None]]) -> None:
        self._put = put
        self.failure: Failure | None = None
        """What the provider failed with."""

    def around(self, open_provider: OpenProvider) -> OpenProvider:
        """Opens the same wires, listened to."""

        async def opened(resolution: Resolution) -> Provider:
            return _Tapped(await open_provider(resolution), self)

        return opened

    async def pieces(self, provider: Provider, call: Call) -> AsyncGenerator[Piece]:
        """What the provider says to `call`, after it was handed on. That a response has begun is the run's own business."""
        pieces = provider.call(call)
        try:
            async for piece in pieces:
                if not isinstance(piece, Opened):
                    await self._put(piece)
                yield piece
        except CallFailed as failed:
            self.failure = failed.failure
            raise
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()


class _Tapped:
    def __init__(self, provider: Provider, relay: Relay) -> None:
        self._provider = provider
        self._relay = relay

    def call(self, call: Call) -> AsyncGenerator[Piece]:
        return self._relay.pieces(self._provider, call)

    async def aclose(self) -> None:
        await self._provider.aclose()


def limits_of_relay(own: Limits, seconds: float) -> Limits:
    """One call within `seconds` and nothing beside it: whether to wait, switch or be content is for whoever asked to say."""
    return replace(
        own,
        max_attempts=1,
        deadline_seconds=seconds,
        escalation=False,
        quality_threshold=0,
        max_cost=None,
        privacy=False,
        wait=False,
        all_open="fail",
        gate="off",
        hedge_after="off",
        resume="restart",
        last_grace=1.0,
    )


def patience_of_relay(own: Timeouts, seconds: float) -> Timeouts:
    """How long silence may last is for whoever asked to say, too: there is no limit but `seconds`."""
    return replace(
        own,
        first_token_seconds=seconds,
        first_token_is_set=True,
        stall_seconds=seconds,
        total_seconds=seconds,
        min_rate_characters_per_second=0.0,
    )


async def content_with(_draft: Draft, _money: JudgePurse) -> Verdict:
    """The verdict is for whoever asked to find."""
    return Verdict(score=100)
