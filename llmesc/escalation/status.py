"""One word for how an attempt or a run stands in an audit: ten words, the same for every provider. Pure.

Nothing of it is recorded: it follows from the outcome and the kind of failure, which are, so that records of any age have it.
The outcome stays beside it and says more in places (`quality_failure`, `deadline`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    CandidateSkipped,
    Event,
    ProviderFailed,
    RunFinished,
    RunOutcome,
    SkipReason,
)
from llmesc.escalation.failures import FailureKind


class Status(StrEnum):
    """How an attempt, a run, or a candidate that was passed over stands."""

    SUCCESS = "success"
    ERROR = "error"
    """The request, the setup or a limit was in the way, the answer was not good enough, or nobody lived to write the end."""
    AUTH_FAILED = "auth_failed"
    """The provider does not let us in: key, permission or account."""
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    """It did not answer, or had no room to; or its circuit says that it would not."""
    PROVIDER_ERROR = "provider_error"
    """It answered, and wrongly."""
    CONTEXT_OVERFLOW = "context_overflow"
    NO_AVAILABLE_PROVIDER = "no_available_provider"
    """Of a run: nobody could be called."""
    ESCALATION_EXHAUSTED = "escalation_exhausted"
    """Of a run: all who could be called were, and none gave an answer that was good enough."""
    CANCELLED = "cancelled"
    """Called off: by the user, because another was first, or because what went before left it no place."""


OF_FAILURES: Mapping[FailureKind, Status] = {
    FailureKind.AUTH: Status.AUTH_FAILED,
    FailureKind.PERMISSION: Status.AUTH_FAILED,
    FailureKind.ACCOUNT: Status.AUTH_FAILED,
    FailureKind.RATE_LIMIT: Status.RATE_LIMITED,
    FailureKind.CONTEXT_OVERFLOW: Status.CONTEXT_OVERFLOW,
    FailureKind.MODEL_UNAVAILABLE: Status.ERROR,
    FailureKind.PAYLOAD: Status.ERROR,
    FailureKind.CONTENT_POLICY: Status.ERROR,
    FailureKind.OVERLOADED: Status.PROVIDER_DOWN,
    FailureKind.SERVER_ERROR: Status.PROVIDER_ERROR,
    FailureKind.TIMEOUT: Status.PROVIDER_DOWN,
    FailureKind.CONNECTION: Status.PROVIDER_DOWN,
    FailureKind.PROTOCOL: Status.PROVIDER_ERROR,
    FailureKind.MODEL_NOT_ALLOWED: Status.ERROR,
    FailureKind.PRIVACY: Status.ERROR,
    FailureKind.CLIENT_GONE: Status.CANCELLED,
}

OF_ATTEMPTS: Mapping[str, Status] = {
    AttemptOutcome.SUCCESS: Status.SUCCESS,
    AttemptOutcome.QUALITY_FAILURE: Status.ERROR,
    AttemptOutcome.AUTH_ERROR: Status.AUTH_FAILED,
    AttemptOutcome.CONTEXT_OVERFLOW: Status.CONTEXT_OVERFLOW,
    AttemptOutcome.RATE_LIMITED: Status.RATE_LIMITED,
    AttemptOutcome.ERROR: Status.ERROR,
    AttemptOutcome.CANCELLED: Status.CANCELLED,
    "interrupted": Status.ERROR,
}
"""Where no failure says more. One that was hedged away is cancelled; one that still runs has no status."""

OF_RUNS: Mapping[str, Status] = {
    RunOutcome.ANSWERED: Status.SUCCESS,
    RunOutcome.BELOW_BAR: Status.ESCALATION_EXHAUSTED,
    RunOutcome.EXHAUSTED: Status.ESCALATION_EXHAUSTED,
    RunOutcome.NOTHING_CALLABLE: Status.NO_AVAILABLE_PROVIDER,
    RunOutcome.DEADLINE: Status.ERROR,
    RunOutcome.POLICY: Status.ERROR,
    RunOutcome.CANCELLED: Status.CANCELLED,
    "interrupted": Status.ERROR,
    "error": Status.ERROR,
}
"""Which failure it came from stands with its cause. `error`: a request that never became a run."""

OF_SKIPS: Mapping[SkipReason, Status] = {
    "circuit_open": Status.PROVIDER_DOWN,
    "forced_open": Status.PROVIDER_DOWN,
    "probe_elsewhere": Status.PROVIDER_DOWN,
    "no_credentials": Status.AUTH_FAILED,
    "context_too_small": Status.CONTEXT_OVERFLOW,
    "same_tier_window_unknown": Status.CONTEXT_OVERFLOW,
    "denied": Status.ERROR,
    "not_allowed": Status.ERROR,
    "missing_capability": Status.ERROR,
    "unconfirmed_capability": Status.ERROR,
    "unsupported": Status.ERROR,
    "privacy": Status.ERROR,
    "over_budget": Status.ERROR,
    "no_price": Status.ERROR,
    "no_time": Status.ERROR,
    "retry_budget": Status.ERROR,
    "max_attempts": Status.ERROR,
    "single_call": Status.CANCELLED,
    "below_tier": Status.CANCELLED,
    "same_instance": Status.CANCELLED,
    "same_endpoint": Status.CANCELLED,
    "same_model": Status.CANCELLED,
    "same_provider": Status.CANCELLED,
}
"""The last ones would have shared the failure of another, or were no longer wanted."""


def attempt_status(outcome: str | None, failure: FailureKind | None = None) -> Status | None:
    """Of an `AttemptOutcome`, or `interrupted`; None while it runs. `failure` is of an attempt that ended in one."""
    if outcome == AttemptOutcome.ERROR and failure is not None:
        return OF_FAILURES[failure]
    return None if outcome is None else OF_ATTEMPTS.get(outcome)


def run_status(outcome: str | None) -> Status | None:
    """Of a `RunOutcome`, or `interrupted`; None while it runs."""
    return None if outcome is None else OF_RUNS.get(outcome)


def event_status(event: Event, failure: FailureKind | None = None) -> Status | None:
    """What an event says of the status of its attempt, its run or its candidate; None for all others.

    `failure`: what its attempt failed with, for one that an older llmesc recorded: there the end of an attempt does not say it.
    """
    match event:
        case CandidateSkipped():
            return OF_SKIPS.get(event.reason)
        case ProviderFailed():
            return OF_FAILURES[event.failure.kind]
        case AttemptFinished():
            return attempt_status(event.outcome, event.kind or failure)
        case RunFinished():
            return run_status(event.outcome)
        case _:
            return None


def statuses(events: Sequence[Event]) -> Iterator[Status | None]:
    """Of each of `events`, in their order; a failure is known to the end of its attempt."""
    failed: dict[tuple[str, int], FailureKind] = {}
    for event in events:
        match event:
            case ProviderFailed():
                failed[event.run_id, event.attempt] = event.failure.kind
                yield event_status(event)
            case AttemptFinished():
                yield event_status(event, failed.get((event.run_id, event.attempt)))
            case _:
                yield event_status(event)
