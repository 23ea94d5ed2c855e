"""The words that an auditor counts by."""

from __future__ import annotations

from typing import get_args

import pytest

from llmesc.escalation.audit_status import OF_ATTEMPT, OF_FAILURE, OF_RUN, OF_SKIP, attempt_status, run_status, skip_status
from llmesc.escalation.event_words import AttemptOutcome, RunOutcome, SkipReason
from llmesc.escalation.failures import FailureKind


def test_nothing_that_can_happen_is_without_a_status() -> None:
    assert set(OF_FAILURE) == set(FailureKind)
    assert set(OF_ATTEMPT) == set(AttemptOutcome)
    assert set(OF_RUN) == set(RunOutcome)
    assert set(OF_SKIP) <= set(get_args(SkipReason))


@pytest.mark.parametrize(
    ("outcome", "kind", "status"),
    [
        ("success", None, "success"),
        ("quality_failure", None, "error"),
        ("auth_error", FailureKind.AUTH, "auth_failed"),
        ("auth_error", None, "auth_failed"),
        ("error", FailureKind.ACCOUNT, "auth_failed"),
        ("rate_limited", FailureKind.RATE_LIMIT, "rate_limited"),
        ("error", FailureKind.OVERLOADED, "provider_down"),
        ("error", FailureKind.CONNECTION, "provider_down"),
        ("error", FailureKind.SERVER_ERROR, "provider_error"),
        ("context_overflow", FailureKind.CONTEXT_OVERFLOW, "context_overflow"),
        ("error", FailureKind.PAYLOAD, "error"),
        ("error", None, "error"),
        ("cancelled", FailureKind.TIMEOUT, "cancelled"),
        ("interrupted", None, "error"),
        ("running", None, None),
        (None, None, None),
    ],
)
def test_an_attempt_is_told_by_what_failed(outcome: str | None, kind: FailureKind | None, status: str | None) -> None:
    assert attempt_status(outcome, kind) == status


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("answered", "success"),
        ("below_bar", "escalation_exhausted"),
        ("exhausted", "escalation_exhausted"),
        ("nothing_callable", "no_available_provider"),
        ("deadline", "error"),
        ("cancelled", "cancelled"),
        ("interrupted", "error"),
        ("running", None),
        (None, None),
    ],
)
def test_a_run_is_told_by_how_it_ended(outcome: str | None, status: str | None) -> None:
    assert run_status(outcome) == status


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("circuit_open", "provider_down"),
        ("context_too_small", "context_overflow"),
        ("no_credentials", "auth_failed"),
        ("max_attempts", "escalation_exhausted"),
        ("over_budget", "no_available_provider"),
    ],
)
def test_a_candidate_that_was_not_called_has_one_too(reason: SkipReason, status: str) -> None:
    assert skip_status(reason) == status
