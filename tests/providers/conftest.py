"""A fault server on loopback, and a way to call a wire against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import CallFailed, Failure
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import Request, ask_for
from llmesc.escalation.pieces import Activity, Call, Piece, Provider, TextPiece, ThinkingPiece, UsagePiece
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.secret import Secret
from llmesc.providers.answer_reader import AnswerReader
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import FaultServer
from llmesc.providers.http import Http
from llmesc.providers.http_wire import Decoder
from llmesc.providers.sse import SseDecoder


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
async def http() -> AsyncIterator[Http]:
    made = Http()
    yield made
    await made.aclose()


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


@pytest.fixture
def meant() -> Callable[..., list[Piece]]:
    """`meant(reader, reads, decoder=…)`: what a stream brings, as if it had come at once; the last count before the end."""

    def read(reader: AnswerReader, reads: Iterable[bytes], decoder: Decoder | None = None) -> list[Piece]:
        decoder = decoder or SseDecoder()
        arrived = [piece for data in reads for piece in reader.read(decoder.feed(data))]
        arrived += reader.read(decoder.end())
        joined: list[Piece] = []
        counted: list[Piece] = []
        for piece in arrived:
            last = joined[-1] if joined else None
            if isinstance(piece, UsagePiece):
                counted = [piece]
            elif isinstance(piece, TextPiece) and isinstance(last, TextPiece):
                joined[-1] = TextPiece(last.text + piece.text)
            elif isinstance(piece, ThinkingPiece) and isinstance(last, ThinkingPiece) and not last.signature and piece.text:
                joined[-1] = ThinkingPiece(last.text + piece.text, piece.signature)
            elif not isinstance(piece, Activity):
                joined.append(piece)
        return [*joined[:-1], *counted, *joined[-1:]]

    return read


@pytest.fixture
def cuts() -> Callable[[bytes], Iterator[list[bytes]]]:
    """`cuts(data)`: `data` in one read, byte by byte, and in two reads at every point."""

    def cut(data: bytes) -> Iterator[list[bytes]]:
        yield [data]
        yield [data[at : at + 1] for at in range(len(data))]
        yield from ([data[:at], data[at:]] for at in range(1, len(data)))

    return cut
