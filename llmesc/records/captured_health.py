"""Circuits and denials without the words of errors that a run must not keep: a provider's error may repeat the prompt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from llmesc.escalation.budget import Account, Claim, Over, Reservation, Spent
from llmesc.escalation.circuits import Admission, Circuit, Failed, Refusal, Signal, Transition
from llmesc.escalation.latency import Latency
from llmesc.escalation.ports import Denial, Health
from llmesc.escalation.resolution import CircuitKey, ModelKey
from llmesc.escalation.retry_budget import RetryPolicy


class CapturedHealth:
    """Another health, told causes as `cause` has them. See `Health`."""

    def __init__(self, health: Health, cause: Callable[[str], str]) -> None:
        self._health = health
        self._cause = cause

    async def signal(self, key: CircuitKey, signal: Signal) -> Transition | None:
        """With the cause of a failure reworded."""
        if isinstance(signal, Failed):
            signal = replace(signal, cause=replace(signal.cause, message=self._cause(signal.cause.message)))
        return await self._health.signal(key, signal)

    async def deny(self, denial: Denial) -> None:
        """With the cause, which stands behind its kind, reworded."""
        kind, _, message = denial.why.partition(": ")
        await self._health.deny(replace(denial, why=f"{kind}: {self._cause(message)}"))

    async def circuits(self, keys: Collection[CircuitKey] | None = None) -> Mapping[CircuitKey, Circuit]:
        """As it is, as are the rest."""
        return await self._health.circuits(keys)

    async def admit(self, key: CircuitKey) -> Admission | Refusal:
        """Asks to call."""
        return await self._health.admit(key)

    async def denials(self) -> tuple[Denial, ...]:
        """Those in force."""
        return await self._health.denials()

    async def latencies(self, keys: Collection[ModelKey]) -> Mapping[ModelKey, Sequence[Latency]]:
        """Of the newest successes."""
        return await self._health.latencies(keys)

    async def retry_tokens(self, chain: str, change: float, policy: RetryPolicy) -> float:
        """Adds and looks."""
        return await self._health.retry_tokens(chain, change, policy)

    async def spending(self, accounts: Collection[Account]) -> Mapping[Account, Spent]:
        """What counts now."""
        return await self._health.spending(accounts)

    async def reserve(self, claim: Claim) -> Reservation | Over:
        """All of it or nothing."""
        return await self._health.reserve(claim)
