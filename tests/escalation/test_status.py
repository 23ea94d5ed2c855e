"""The ten words of an audit: every way to end has one, and records of any age say the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from llmesc.escalation import errors
from llmesc.escalation.errors import CALL_ERRORS
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    CandidateSkipped,
    ProviderFailed,
    RunFinished,
    RunOutcome,
    SkipReason,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.leaving import all_leaving, leaving
from llmesc.escalation.status import OF_ATTEMPTS, OF_FAILURES, OF_RUNS, OF_SKIPS, Status, attempt_status, run_status, statuses
from llmesc.escalation.walk import outcome_of
from tests.escalation.test_laws import worlds


def test_there_are_ten_words() -> None:
    assert sorted(Status) == [
        "auth_failed",
        "cancelled",
        "context_overflow",
        "error",
        "escalation_exhausted",
        "no_available_provider",
        "provider_down",
        "provider_error",
        "rate_limited",
        "success",
    ]


def test_every_way_to_end_has_one() -> None:
    assert set(OF_FAILURES) == set(FailureKind)
    assert set(OF_ATTEMPTS) == {*AttemptOutcome, "interrupted"}
    assert set(OF_RUNS) == {*RunOutcome, "interrupted", "error"}
    assert set(OF_SKIPS) == set(get_args(SkipReason))
    assert {*OF_FAILURES.values(), *OF_ATTEMPTS.values(), *OF_RUNS.values(), *OF_SKIPS.values()} == set(Status)


@pytest.mark.parametrize(
    ("outcome", "failure", "status"),
    [
        ("success", None, "success"),
        ("quality_failure", None, "error"),
        ("auth_error", "auth", "auth_failed"),
        ("error", "permission", "auth_failed"),
        ("error", "account", "auth_failed"),
        ("rate_limited", "rate_limit", "rate_limited"),
        ("context_overflow", "context_overflow", "context_overflow"),
        ("error", "model_unavailable", "error"),
        ("error", "payload", "error"),
        ("error", "content_policy", "error"),
        ("error", "overloaded", "provider_down"),
        ("error", "timeout", "provider_down"),
        ("error", "connection", "provider_down"),
        ("error", "server_error", "provider_error"),
        ("error", "protocol", "provider_error"),
        ("error", "model_not_allowed", "error"),
        ("error", "privacy", "error"),
        ("cancelled", "client_gone", "cancelled"),
        ("cancelled", None, "cancelled"),  # by the user, or hedged away
        ("interrupted", None, "error"),
        ("error", None, "error"),
        ("running", None, None),
        (None, None, None),
    ],
)
def test_of_an_attempt(outcome: str | None, failure: str | None, status: str | None) -> None:
    assert attempt_status(outcome, None if failure is None else FailureKind(failure)) == status


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("answered", "success"),
        ("below_bar", "escalation_exhausted"),
        ("exhausted", "escalation_exhausted"),
        ("nothing_callable", "no_available_provider"),
        ("deadline", "error"),
        ("policy", "error"),
        ("cancelled", "cancelled"),
        ("interrupted", "error"),
        ("running", None),
        (None, None),
    ],
)
def test_of_a_run(outcome: str | None, status: str | None) -> None:
    assert run_status(outcome) == status


@pytest.mark.parametrize("kind", FailureKind)
def test_the_outcome_the_exception_and_the_status_of_a_failure_tell_one_story(kind: FailureKind) -> None:
    same = {
        errors.AuthError: Status.AUTH_FAILED,
        errors.RateLimitError: Status.RATE_LIMITED,
        errors.ContextOverflow: Status.CONTEXT_OVERFLOW,
        errors.ProviderDown: Status.PROVIDER_DOWN,
        errors.ProviderError: Status.PROVIDER_ERROR,
        errors.RunCancelled: Status.CANCELLED,
    }
    status = OF_FAILURES[kind]
    assert same.get(CALL_ERRORS[kind], status) == status
    outcome = outcome_of(Failure(kind=kind, rule="test", message=""))
    assert outcome is AttemptOutcome.ERROR or OF_ATTEMPTS[outcome] == status


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_in_every_run_each_end_has_a_status_and_an_older_record_has_the_same(one: Any) -> None:
    events = one.play()
    older = [replace(event, kind=None) if isinstance(event, AttemptFinished) else event for event in events]

    told = list(statuses(events))

    assert list(statuses(older)) == told
    assert [made.get("status") for made in all_leaving(events)] == told
    assert [leaving(event).get("status") for event in events] == told, "and each says it alone, whatever came with it"
    ends = (AttemptFinished, ProviderFailed, CandidateSkipped, RunFinished)
    assert [status is not None for status in told] == [isinstance(event, ends) for event in events]
    failed = {event.attempt: status for event, status in zip(events, told, strict=True) if isinstance(event, ProviderFailed)}
    finished = {event.attempt: status for event, status in zip(events, told, strict=True) if isinstance(event, AttemptFinished)}
    assert finished.items() >= failed.items()
    assert len(finished) == sum(isinstance(event, AttemptStarted) for event in events)
