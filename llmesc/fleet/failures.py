"""Failures of the fleet: its own, and those of a worker as they are seen from here. Pure."""

from __future__ import annotations

from dataclasses import replace

from llmesc.escalation.failures import CallFailed, Failure, FailureKind, SkipScope
from llmesc.escalation.redact import redact

_ONES_OWN = frozenset({FailureKind.MODEL_NOT_ALLOWED, FailureKind.CLIENT_GONE, FailureKind.PRIVACY})
"""What only this host decides about its own run: a far end that says so does not stop it."""

_WIDE = frozenset({SkipScope.INSTANCE, SkipScope.CAPACITY, SkipScope.ENDPOINT, SkipScope.PROVIDER, SkipScope.EVERYTHING})
"""What is wrong behind one lane says nothing about the others of the same Redis."""


def failed(kind: FailureKind, rule: str, message: str, *, lane_only: bool = True) -> CallFailed:
    """A failure of the fleet itself. `lane_only`: other lanes are none the worse."""
    scope = SkipScope.MODEL_ON_INSTANCE if lane_only else None
    return CallFailed(Failure(kind=kind, rule=f"fleet.{rule}", message=message, matched=rule, scope=scope))


def from_afar(failure: Failure, worker: str) -> CallFailed:
    """A worker's failure, of the same kind; it rules out no more than its lane."""
    kind = FailureKind.SERVER_ERROR if failure.kind in _ONES_OWN else failure.kind
    seen = replace(
        failure,
        kind=kind,
        rule=redact(failure.rule, 80),
        message=redact(f"worker {worker}: {failure.message}", 1_000),
        matched=redact(failure.matched, 200),
        body=redact(failure.body),
        scope=failure.scope,
    )
    return CallFailed(replace(seen, scope=SkipScope.MODEL_ON_INSTANCE) if seen.skip in _WIDE else seen)
