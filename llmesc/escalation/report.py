"""What an attempt tells the circuits, the retry budget and the list of denials, and the events that come of it."""

from __future__ import annotations

import asyncio

from llmesc.escalation.attempt import Attempt
from llmesc.escalation.circuits import Admission, Cause, CircuitState, Failed, Released, Signal, Succeeded, Transition
from llmesc.escalation.envelope import SHARE_SPENT
from llmesc.escalation.events import CircuitChanged, ModelDenied
from llmesc.escalation.failures import CircuitEffect, Failure
from llmesc.escalation.limits import Limits
from llmesc.escalation.ports import Denial, Health
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.retry_budget import FAILED
from llmesc.escalation.run import EventStream
from llmesc.escalation.times import Clock, Timestamp

ERROR_WEIGHT = 1.0
QUALITY_WEIGHT = 0.5
"""A weak answer says less about an instance's health than an error does."""


class Report:
    """Of one run."""

    def __init__(self, health: Health, clock: Clock, stream: EventStream, limits: Limits, chain: str) -> None:
        self._health = health
        self._clock = clock
        self._stream = stream
        self._denial_seconds = limits.denial_seconds
        self._retries = limits.retries
        self._chain = chain

    async def probing(self, admission: Admission) -> None:
        """The call about to be made is the probe of a circuit that was open."""
        cause = Cause(kind="probe", message="the cooldown has ended; one call may try", at=self._clock.now())
        await self._changed(admission.key, Transition(before=CircuitState.OPEN, after=CircuitState.HALF_OPEN, cause=cause))

    async def success(self, attempt: Attempt) -> None:
        """It answered well."""
        admission = attempt.admission
        await self._retry_tokens(self._retries.refund)
        signal = Succeeded(generation=admission.generation, latency_seconds=_latency_of(attempt), token=admission.token)
        await self._tell(admission.key, signal)

    async def quality(self, attempt: Attempt, because: str) -> Timestamp | None:
        """It answered, but not well enough; when to try again, if that opened the circuit."""
        await self._retry_tokens(self._retries.refund)
        return await self._fail(attempt, Cause(kind="quality", message=because, at=self._clock.now()), QUALITY_WEIGHT)

    async def failure(self, attempt: Attempt, failure: Failure) -> Timestamp | None:
        """It failed: tells the circuit and denies the model as the table says; when to try again, where that is known."""
        if failure.rule == SHARE_SPENT:
            await self.neutral(attempt.admission)
            return None
        cause = Cause(kind=failure.kind, message=failure.message, at=self._clock.now())
        # Only the provider's own word denies: what is missing on this machine (an engine, weights) is put right here at once.
        if failure.consequence.deny and failure.status is not None:
            await self._deny(attempt, cause)
        effect = failure.consequence.circuit
        if effect is CircuitEffect.NONE:
            await self.neutral(attempt.admission)
            return None
        await self._retry_tokens(FAILED)
        after = failure.retry_after_seconds if effect is CircuitEffect.RETRY_AFTER else None
        opened = await self._fail(attempt, cause, ERROR_WEIGHT, trip=effect is CircuitEffect.TRIP, retry_after_seconds=after)
        return opened if after is None else Timestamp(cause.at + after)

    async def neutral(self, admission: Admission) -> None:
        """It says nothing about the instance's health: only a probe's lease is given back."""
        if admission.token is not None:
            await self._tell(admission.key, Released(generation=admission.generation, token=admission.token))

    async def _fail(
        self,
        attempt: Attempt,
        cause: Cause,
        weight: float,
        *,
        trip: bool = False,
        retry_after_seconds: float | None = None,
    ) -> Timestamp | None:
        admission = attempt.admission
        signal = Failed(
            generation=admission.generation,
            weight=weight,
            cause=cause,
            latency_seconds=_latency_of(attempt),
            token=admission.token,
            trip=trip,
            retry_after_seconds=retry_after_seconds,
        )
        changed = await self._tell(admission.key, signal)
        return changed.retry_at if changed else None

    async def _retry_tokens(self, change: float) -> None:
        if self._retries.tokens:
            await self._health.retry_tokens(self._chain, change, self._retries)

    async def _tell(self, key: CircuitKey, signal: Signal) -> Transition | None:
        changed = await self._health.signal(key, signal)
        if changed is not None:
            await self._changed(key, changed)
        return changed

    async def _changed(self, key: CircuitKey, change: Transition) -> None:
        await self._stream.emit(
            CircuitChanged,
            key=key,
            before=change.before,
            after=change.after,
            cause=change.cause,
            retry_at=change.retry_at,
        )

    async def _deny(self, attempt: Attempt, cause: Cause) -> None:
        key = attempt.resolution.model_key
        until = Timestamp(cause.at + self._denial_seconds)
        await self._health.deny(Denial(key=key, why=f"{cause.kind}: {cause.message}", who="llmesc", set_at=cause.at, until=until))
        await self._stream.emit(ModelDenied, key=key, until=until, cause=cause)


def _latency_of(attempt: Attempt) -> float:
    return attempt.seconds(asyncio.get_running_loop().time())
