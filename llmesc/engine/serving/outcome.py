"""How a worker's run ended, as whoever asked is told. Pure."""

from __future__ import annotations

from llmesc.escalation.events import RunOutcome
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.fold import RunView
from llmesc.escalation.times import Timestamp

_BY_REASON = {
    "context_too_small": FailureKind.CONTEXT_OVERFLOW,
    "missing_capability": FailureKind.PAYLOAD,
    "unsupported": FailureKind.PAYLOAD,
    "not_allowed": FailureKind.PERMISSION,
}
"""What a worker cannot do with this request, now and later; for all other reasons it cannot at the moment."""


def failure_of(view: RunView, provider_failed: Failure | None, now: Timestamp) -> Failure | None:
    """None for an answer. A provider's failure is told as it was; else why it was not called."""
    if view.outcome is RunOutcome.ANSWERED:
        return None
    if failure := provider_failed or view.cause:
        return failure
    if view.outcome is RunOutcome.DEADLINE:
        return _told(FailureKind.TIMEOUT, "its time was up", "deadline")
    if view.outcome is RunOutcome.POLICY:
        return _told(FailureKind.PERMISSION, "its own policy does not allow the model", "policy")
    reasons = [skip.reason for skip in view.skipped] + [each.reason for each in (view.chain.rejected if view.chain else ())]
    retry_after = None if view.retry_at is None else max(0.0, view.retry_at - now)
    kind = next((_BY_REASON[reason] for reason in reasons if reason in _BY_REASON), FailureKind.OVERLOADED)
    return _told(
        kind,
        f"it cannot call the model now: {', '.join(dict.fromkeys(reasons)) or 'nothing is callable'}",
        "not_called",
        retry_after,
    )


def _told(kind: FailureKind, message: str, rule: str, retry_after_seconds: float | None = None) -> Failure:
    source = None if retry_after_seconds is None else "worker"
    return Failure(
        kind=kind,
        rule=f"worker.{rule}",
        message=message,
        matched=rule,
        retry_after_seconds=retry_after_seconds,
        retry_after_source=source,
    )
