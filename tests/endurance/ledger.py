"""The fault server's own book: what reached it, under which attempt id, and what it gave back. Nobody kills its keeper."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from llmesc.providers.faults import FAULTS, FaultServer
from llmesc.providers.faults.behaviours import Behaviour, answer, status
from llmesc.providers.faults.exchange import Exchange

MODEL = "m"
"""What each provider offers."""

INPUT_TOKENS = 7
"""What the fault server counts for every question."""

_SENTENCES = (
    "Raft keeps a log in step on several machines.",
    "One of them leads, and the others copy what it writes.",
    "Whoever hears nothing for a while stands for election.",
    "An entry counts once most of the machines have it.",
    "A machine that was away is brought up to date by the leader.",
    "Two leaders never write in the same term.",
)


@dataclass(slots=True)
class Delivery:
    """One request as the server saw it."""

    attempt_id: str
    provider: str
    output_tokens: int | None = None
    """What it counted for an answer that it wrote to its end; None where it gave none."""


class Ledger:
    """Behaviours for a fault server that write down each request before they answer it."""

    def __init__(self, seed: int) -> None:
        self.deliveries: list[Delivery] = []
        self.healed = False
        """From now on everybody answers well."""
        self._rolled = random.Random(seed)

    def behaviour(self, provider: str, faults: float) -> Behaviour:
        """Of one provider, whose requests go wrong in that part of the cases: refused, cut, hung, slow enough to be hedged."""

        async def behave(exchange: Exchange) -> None:
            delivery = Delivery(exchange.request.headers["idempotency-key"], provider)
            self.deliveries.append(delivery)
            if not self.healed and self._rolled.random() < faults:
                name = self._rolled.choice(tuple(_FAULTS))
                await _FAULTS[name](exchange)
                return
            text = " ".join(self._rolled.sample(_SENTENCES, self._rolled.randint(1, len(_SENTENCES))))
            delay = 0.0 if self.healed else self._rolled.choice((0.0, 0.002, 0.01, 0.04))
            pace = 0.0 if self.healed else self._rolled.choice((0.0, 0.0005, 0.001))
            await answer(text, delay_seconds=delay, pace_seconds=pace)(exchange)
            delivery.output_tokens = len(text.split())

        return behave


_FAULTS: dict[str, Behaviour] = {
    "503": status(503),
    "500": status(500),
    "429": status(429, error_code="rate_limit_exceeded", headers={"retry-after": "0.05"}),
    **{name: FAULTS[name] for name in ("cut", "reset_midway", "error_in_stream", "reset", "hang_midway", "bad_json_midway")},
}


def servers(ledger: Ledger, parts: dict[str, float]) -> dict[str, FaultServer]:
    """A server for each provider, by its name and how much of it goes wrong."""
    make: Callable[[str, float], FaultServer] = lambda name, part: FaultServer({MODEL: ledger.behaviour(name, part)})  # noqa: E731
    return {name: make(name, part) for name, part in parts.items()}
