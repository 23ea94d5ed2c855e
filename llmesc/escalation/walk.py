"""What a failure means for the candidates behind it: pure decisions of the walk along a chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from llmesc.escalation.events import AttemptOutcome, SkipReason
from llmesc.escalation.failures import Failure, FailureKind, SkipScope
from llmesc.escalation.resolution import ModelKey, Resolution

Exclusion = tuple[SkipReason, str]
"""Why a candidate is out for the rest of the request, and the detail for people."""


def ruled_out(failed: Resolution, failure: Failure, other: Resolution, prompt_tokens: int) -> Exclusion | None:
    """Whether `failed`'s failure makes `other` not worth calling in this request.

    `prompt_tokens` is the estimate for the request; it only matters after a context overflow.
    """
    because = f"{failed.ref}: {failure.kind}"
    match failure.skip:
        case SkipScope.INSTANCE:
            return ("same_instance", because) if other.circuit_key == failed.circuit_key else None
        case SkipScope.MODEL_ON_INSTANCE:
            return ("same_model", because) if other.model_key == failed.model_key else None
        case SkipScope.MODEL:
            same = (other.provider, other.model) == (failed.provider, failed.model)
            return ("same_model", because) if same else None
        case SkipScope.ENDPOINT:
            same = other.circuit_key == failed.circuit_key or (failed.endpoint != "" and other.endpoint == failed.endpoint)
            return ("same_endpoint", because) if same else None
        case SkipScope.CAPACITY:
            # The instances of a hosted model share one pool of machines; one's own machines are overloaded one by one.
            narrower = SkipScope.ENDPOINT if failed.tier.self_hosted else SkipScope.MODEL
            return ruled_out(failed, replace(failure, scope=narrower), other, prompt_tokens)
        case SkipScope.PROVIDER:
            return ("same_provider", because) if other.provider == failed.provider else None
        case SkipScope.SMALLER_WINDOWS:
            return _too_small(failed, other, prompt_tokens)
        case SkipScope.EVERYTHING:
            return ("not_allowed", because)


def rule_out(
    excluded: dict[ModelKey, Exclusion], failed: Resolution, failure: Failure, others: Iterable[Resolution], prompt_tokens: int
) -> None:
    """Adds to `excluded` those of `others` that `ruled_out` speaks against; the first reason against each stands."""
    for other in others:
        if other.model_key not in excluded and (why := ruled_out(failed, failure, other, prompt_tokens)) is not None:
            excluded[other.model_key] = why


def _too_small(failed: Resolution, other: Resolution, prompt_tokens: int) -> Exclusion | None:
    window, overflowed = other.offering.context_window, failed.offering.context_window
    if window is None:
        # A higher tier may well have room; in the same tier (or below) an unknown window is not worth another refusal.
        if other.tier <= failed.tier:
            return ("same_tier_window_unknown", f"{failed.ref}: context_overflow")
        return None
    needed = max(prompt_tokens, (overflowed or 0) + 1)
    if window < needed:
        return ("context_too_small", f"window {window:,}, needs at least {needed:,} tokens")
    return None


_OUTCOMES = {
    FailureKind.AUTH: AttemptOutcome.AUTH_ERROR,
    FailureKind.CONTEXT_OVERFLOW: AttemptOutcome.CONTEXT_OVERFLOW,
    FailureKind.RATE_LIMIT: AttemptOutcome.RATE_LIMITED,
    FailureKind.CLIENT_GONE: AttemptOutcome.CANCELLED,
}


def outcome_of(failure: Failure) -> AttemptOutcome:
    """The attempt outcome that a failure makes."""
    return _OUTCOMES.get(failure.kind, AttemptOutcome.ERROR)


_MOST_ACTIONABLE = (
    FailureKind.MODEL_NOT_ALLOWED,
    FailureKind.PRIVACY,
    FailureKind.AUTH,
    FailureKind.ACCOUNT,
    FailureKind.PERMISSION,
    FailureKind.MODEL_UNAVAILABLE,
    FailureKind.PAYLOAD,
    FailureKind.CONTEXT_OVERFLOW,
    FailureKind.CONTENT_POLICY,
    FailureKind.CONNECTION,
    FailureKind.RATE_LIMIT,
    FailureKind.PROTOCOL,
    FailureKind.TIMEOUT,
    FailureKind.OVERLOADED,
    FailureKind.SERVER_ERROR,
    FailureKind.CLIENT_GONE,
)
"""What an operator can put right comes before what only time heals."""


def most_actionable(failures: Iterable[Failure]) -> Failure | None:
    """The failure that an operator can do most about; the first of its kind."""
    return min(failures, key=lambda failure: _MOST_ACTIONABLE.index(failure.kind), default=None)
