"""The ten words that an auditor counts by: what one attempt, one skipped candidate or one run came to. Pure.

Outcomes tell what llmesc made of a call, and failure kinds what to do next; these say who has to answer for it, in words that
stay the same when kinds are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from llmesc.escalation.event_words import AttemptOutcome, RunOutcome, SkipReason
from llmesc.escalation.failures import FailureKind


class AuditStatus(StrEnum):
    """What it came to."""

    SUCCESS = "success"
    ERROR = "error"
    """Nobody else's fault: the request itself, an answer below the bar, a rule of ours, or a process that was killed."""
    AUTH_FAILED = "auth_failed"
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    """It could not be reached, took too long, or has no room."""
    PROVIDER_ERROR = "provider_error"
    """It was reached, and did not do what was asked."""
    CONTEXT_OVERFLOW = "context_overflow"
    NO_AVAILABLE_PROVIDER = "no_available_provider"
    ESCALATION_EXHAUSTED = "escalation_exhausted"
    CANCELLED = "cancelled"


_K, _S = FailureKind, AuditStatus

OF_FAILURE: Mapping[FailureKind, AuditStatus] = {
    _K.AUTH: _S.AUTH_FAILED,
    _K.PERMISSION: _S.AUTH_FAILED,
    _K.ACCOUNT: _S.AUTH_FAILED,
    _K.RATE_LIMIT: _S.RATE_LIMITED,
    _K.CONTEXT_OVERFLOW: _S.CONTEXT_OVERFLOW,
    _K.MODEL_UNAVAILABLE: _S.PROVIDER_ERROR,
    _K.PAYLOAD: _S.ERROR,
    _K.CONTENT_POLICY: _S.PROVIDER_ERROR,
    _K.OVERLOADED: _S.PROVIDER_DOWN,
    _K.SERVER_ERROR: _S.PROVIDER_ERROR,
    _K.TIMEOUT: _S.PROVIDER_DOWN,
    _K.CONNECTION: _S.PROVIDER_DOWN,
    _K.PROTOCOL: _S.PROVIDER_ERROR,
    _K.MODEL_NOT_ALLOWED: _S.ERROR,
    _K.PRIVACY: _S.ERROR,
    _K.CLIENT_GONE: _S.CANCELLED,
}
"""Every kind has exactly one."""

OF_ATTEMPT: Mapping[AttemptOutcome, AuditStatus] = {
    AttemptOutcome.SUCCESS: _S.SUCCESS,
    AttemptOutcome.QUALITY_FAILURE: _S.ERROR,
    AttemptOutcome.AUTH_ERROR: _S.AUTH_FAILED,
    AttemptOutcome.CONTEXT_OVERFLOW: _S.CONTEXT_OVERFLOW,
    AttemptOutcome.RATE_LIMITED: _S.RATE_LIMITED,
    AttemptOutcome.ERROR: _S.ERROR,
    AttemptOutcome.CANCELLED: _S.CANCELLED,
}
"""Where no failure says it more exactly."""

OF_RUN: Mapping[RunOutcome, AuditStatus] = {
    RunOutcome.ANSWERED: _S.SUCCESS,
    RunOutcome.BELOW_BAR: _S.ESCALATION_EXHAUSTED,
    RunOutcome.EXHAUSTED: _S.ESCALATION_EXHAUSTED,
    RunOutcome.NOTHING_CALLABLE: _S.NO_AVAILABLE_PROVIDER,
    RunOutcome.DEADLINE: _S.ERROR,
    RunOutcome.POLICY: _S.ERROR,
    RunOutcome.CANCELLED: _S.CANCELLED,
}

OF_SKIP: Mapping[SkipReason, AuditStatus] = {
    "circuit_open": _S.PROVIDER_DOWN,
    "forced_open": _S.PROVIDER_DOWN,
    "probe_elsewhere": _S.PROVIDER_DOWN,
    "context_too_small": _S.CONTEXT_OVERFLOW,
    "same_tier_window_unknown": _S.CONTEXT_OVERFLOW,
    "no_credentials": _S.AUTH_FAILED,
    "max_attempts": _S.ESCALATION_EXHAUSTED,
    "retry_budget": _S.ESCALATION_EXHAUSTED,
}
"""Every other reason makes a candidate one that was not available to this request."""

RUNNING = "running"
INTERRUPTED = "interrupted"


def attempt_status(outcome: str | None, kind: FailureKind | None) -> AuditStatus | None:
    """Of an attempt, from its outcome as recorded (`interrupted` where its process is gone) and the kind of its failure; None
    while it runs. Whoever was cancelled or judged is told by the outcome, whatever failed before.
    """
    if outcome is None or outcome == RUNNING:
        return None
    if outcome == INTERRUPTED:
        return AuditStatus.ERROR
    found = OF_ATTEMPT[AttemptOutcome(outcome)]
    blamed = kind is not None and outcome not in (
        AttemptOutcome.SUCCESS,
        AttemptOutcome.QUALITY_FAILURE,
        AttemptOutcome.CANCELLED,
    )
    return OF_FAILURE[kind] if blamed and kind is not None else found


def run_status(outcome: str | None) -> AuditStatus | None:
    """Of a run, from its outcome as recorded; None while it runs."""
    if outcome is None or outcome == RUNNING:
        return None
    return AuditStatus.ERROR if outcome in (INTERRUPTED, "error") else OF_RUN[RunOutcome(outcome)]


def skip_status(reason: SkipReason) -> AuditStatus:
    """Of a candidate that was not called."""
    return OF_SKIP.get(reason, AuditStatus.NO_AVAILABLE_PROVIDER)
