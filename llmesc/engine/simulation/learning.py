"""What a played call tells the circuits, the retry budget and the denials: what `Report` tells of a real one."""

from __future__ import annotations

from llmesc.engine.simulation.course import Course
from llmesc.engine.simulation.health import Health
from llmesc.escalation.circuits import Admission, Cause, Failed, Released, Succeeded
from llmesc.escalation.envelope import SHARE_SPENT
from llmesc.escalation.failures import CircuitEffect, Failure
from llmesc.escalation.limits import Limits
from llmesc.escalation.report import ERROR_WEIGHT, QUALITY_WEIGHT
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.retry_budget import FAILED
from llmesc.escalation.times import Timestamp


class Learning:
    """Of one run."""

    def __init__(self, health: Health, course: Course, limits: Limits, chain: str) -> None:
        self._health = health
        self._course = course
        self._limits = limits
        self._chain = chain

    def success(self, admission: Admission, seconds: float) -> None:
        """It answered well."""
        self._retry_tokens(self._limits.retries.refund)
        done = Succeeded(generation=admission.generation, latency_seconds=seconds, token=admission.token)
        self._health.signal(admission.key, done, self._course.now)

    def quality(self, admission: Admission, seconds: float) -> None:
        """It answered, but not well enough."""
        self._retry_tokens(self._limits.retries.refund)
        self._fail(admission, "quality", seconds, QUALITY_WEIGHT)

    def failure(self, admission: Admission, key: ModelKey, failure: Failure, seconds: float) -> Timestamp | None:
        """It failed; when to try again, where that is known."""
        if failure.rule == SHARE_SPENT:
            self.neutral(admission)
            return None
        now, effect = self._course.now, failure.consequence.circuit
        if failure.consequence.deny and failure.status is not None:
            self._health.deny(key, Timestamp(now + self._limits.denial_seconds))
        if effect is CircuitEffect.NONE:
            self.neutral(admission)
            return None
        self._retry_tokens(FAILED)
        after = failure.retry_after_seconds if effect is CircuitEffect.RETRY_AFTER else None
        trip = effect is CircuitEffect.TRIP
        opened = self._fail(admission, failure.kind, seconds, ERROR_WEIGHT, trip=trip, retry_after_seconds=after)
        return opened if after is None else Timestamp(now + after)

    def neutral(self, admission: Admission) -> None:
        """It says nothing about the instance's health: only a probe's lease is given back."""
        if admission.token is not None:
            done = Released(generation=admission.generation, token=admission.token)
            self._health.signal(admission.key, done, self._course.now)

    def _fail(
        self,
        admission: Admission,
        kind: str,
        seconds: float,
        weight: float,
        *,
        trip: bool = False,
        retry_after_seconds: float | None = None,
    ) -> Timestamp | None:
        now = self._course.now
        failed = Failed(
            generation=admission.generation,
            weight=weight,
            cause=Cause(kind=kind, message="", at=now),
            latency_seconds=seconds,
            token=admission.token,
            trip=trip,
            retry_after_seconds=retry_after_seconds,
        )
        changed = self._health.signal(admission.key, failed, now)
        return changed.retry_at if changed else None

    def _retry_tokens(self, change: float) -> None:
        if self._limits.retries.tokens:
            self._health.retry_tokens(self._chain, change, self._course.now, self._limits.retries)
