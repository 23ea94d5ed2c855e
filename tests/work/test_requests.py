"""What leaves the machine for so many questions: requests, connections and bytes, counted by the server that gets them."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import Engine
from llmesc.engine.clock import SystemClock
from llmesc.escalation.times import Timestamp
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.exchange import Recorded

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Case:
    """Ten questions to a chain, and what its servers may see of them."""

    chain: str
    """Models, each of a server of its own; their names say what they do."""
    requests: tuple[int, ...]
    """Exactly so many at each."""
    connections: tuple[int, ...]
    """At most so many."""
    at_once: bool = False


CASES = [
    Case("ok", requests=(10,), connections=(1,)),
    Case("ok", requests=(10,), connections=(10,), at_once=True),
    Case("503 ok", requests=(3, 10), connections=(1, 1)),  # nothing is sent twice; three failures open its circuit
    Case("rate_limit ok", requests=(1, 10), connections=(1, 1)),  # none until the time it named is up
    Case("auth ok", requests=(1, 10), connections=(1, 1)),
    Case("refuse ok", requests=(0, 10), connections=(0, 1)),
]

BYTES = 380
"""Of the headers and the body of a question of two characters; 341 when this was set."""


class StandingClock(SystemClock):
    """It stays the same time of day, so that no circuit closes on a slow machine."""

    def now(self) -> Timestamp:
        return Timestamp(1_800_000_000.0)


def size(request: Recorded) -> int:
    head = sum(len(name) + len(value) + len(": \r\n") for name, value in request.headers.items())
    return head + len(json.dumps(request.body, separators=(",", ":")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.chain + (", at once" if case.at_once else ""))
async def test_ten_questions_send_no_more(case: Case, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(FaultServer()) for _ in case.chain.split()]
        table = ""
        for number, (server, model) in enumerate(zip(servers, case.chain.split(), strict=True)):
            table += (
                f'[providers.p{number}]\napi = "openai"\ntier = "vllm"\nbase_url = "{server.base_url}"\nmodels = ["{model}"]\n'
            )
            if model == "refuse":
                await server.refuse()
        (tmp_path / "config.toml").write_text(f'state = "memory:"\n{table}')
        async with Engine.open(config=load(tmp_path / "config.toml", {}), clock=StandingClock()) as engine:
            if case.at_once:
                await asyncio.gather(*(engine.ask("hi") for _ in range(10)))
            else:
                for _ in range(10):
                    await engine.ask("hi")

        assert tuple(len(server.requests) for server in servers) == case.requests
        assert all(server.connections <= most for server, most in zip(servers, case.connections, strict=True))
        assert max(size(request) for server in servers for request in server.requests) <= BYTES
