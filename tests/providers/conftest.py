"""A fault server on loopback, and a way to call a wire against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import CallFailed, Failure
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import Request, ask_for
from llmesc.escalation.pieces import Call, Piece, Provider
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.secret import Secret
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running


@pytest.fixture
def endpoint(server: FaultServer) -> Endpoint:
    return Endpoint(
        provider="lab", instance="gpu1", api="openai", base_url=server.base_url, api_key=lambda: Secret("sk-canary-0123456789")
    )


@pytest.fixture
def a_call() -> Callable[..., Call]:
    """`a_call(model, request=…, stream=…, connect_seconds=…)`."""

    def make(model: str, *, request: Request | None = None, stream: bool = True, connect_seconds: float = 5.0) -> Call:
        return Call(
            resolution=Resolution(
                tier=Tier.CLOUD, provider="lab", instance="gpu1", model=model, offering=Offering(offering_id=model)
            ),
            request=replace(request or ask_for("What is Raft?"), stream=stream),
            timeouts=Timeouts(connect_seconds=connect_seconds),
            idempotency_key="attempt-1",
        )

    return make


@pytest.fixture
def outcome() -> Callable[[Provider, Call], Any]:
    """`await outcome(provider, call)`: the pieces that came, and the failure behind them or None."""

    async def run(provider: Provider, call: Call) -> tuple[list[Piece], Failure | None]:
        pieces: list[Piece] = []
        try:
            async for piece in provider.call(call):
                pieces.append(piece)
        except CallFailed as failed:
            return pieces, failed.failure
        return pieces, None

    return run
