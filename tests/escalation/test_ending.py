"""The error a caller of the library gets: one shape for each situation, with everything that happened."""

from __future__ import annotations

from typing import Any

import pytest

from llmesc.escalation import errors
from llmesc.escalation.ending import run_error
from llmesc.escalation.events import Chain, Rejected
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from tests.escalation.world import Say, Silence, World, answer, candidate, failing, world

K = FailureKind


def test_who_was_hedged_away_failed_in_nothing() -> None:
    silent, cut = [[Silence(10), *answer()]], [[Say("Raft"), *failing(K.OVERLOADED)]]
    limits = Limits(hedge_after=2.0, max_attempts=2)

    error = error_of(world((candidate("a/m"), silent), (candidate("b/m"), cut), limits=limits))

    assert type(error) is errors.ProviderDown
    assert [report.hedged_away for report in error.attempts] == [True, False]
    assert "a/m: hedged away; b/m: overloaded" in str(error)


def error_of(played: World) -> errors.RunError:
    view = RunView()
    for event in played.play():
        view = fold(view, event)
    error = run_error(view)
    assert error is not None
    return error


OWN_ERRORS = [
    (K.AUTH, errors.AuthError),
    (K.PERMISSION, errors.PermissionDeniedError),
    (K.ACCOUNT, errors.AccountError),
    (K.RATE_LIMIT, errors.RateLimitError),
    (K.CONTEXT_OVERFLOW, errors.ContextOverflow),
    (K.MODEL_UNAVAILABLE, errors.ModelUnavailable),
    (K.PAYLOAD, errors.PayloadError),
    (K.CONTENT_POLICY, errors.ContentPolicyError),
    (K.OVERLOADED, errors.ProviderDown),
    (K.TIMEOUT, errors.ProviderDown),
    (K.CONNECTION, errors.ProviderDown),
    (K.SERVER_ERROR, errors.ProviderError),
    (K.PROTOCOL, errors.ProviderError),
    (K.PRIVACY, errors.PrivacyError),
    (K.MODEL_NOT_ALLOWED, errors.PolicyStopped),
    (K.CLIENT_GONE, errors.RunCancelled),
]


@pytest.mark.parametrize(("kind", "own"), OWN_ERRORS, ids=[kind for kind, _ in OWN_ERRORS])
@pytest.mark.parametrize("escalation", [True, False], ids=["chain of one", "single call"])
def test_one_candidate_that_fails_raises_its_own_error(kind: Any, own: type[Exception], escalation: bool) -> None:
    others = [] if escalation else [(candidate("b/m"), [answer()])]
    run = world((candidate("a/m"), [failing(kind)]), *others, limits=Limits(wait=False, escalation=escalation))

    error = error_of(run)

    assert type(error) is own
    assert (error.cause.kind, [report.failure.kind for report in error.attempts]) == (kind, [kind])


def test_a_rate_limit_of_the_only_candidate_says_how_long() -> None:
    run = world((candidate("a/m"), [failing(K.RATE_LIMIT, retry_after_seconds=30.0)]), limits=Limits(wait=False))

    error = error_of(run)

    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after_seconds == 30.0


def test_several_candidates_raise_one_error_with_every_attempt_in_order_and_the_most_actionable_cause() -> None:
    """The origin kept the causes in its history and raised a bare string."""
    run = world(
        (candidate("a/m"), [failing(K.SERVER_ERROR)]),
        (candidate("b/m"), [failing(K.ACCOUNT)]),
        (candidate("c/m"), [failing(K.TIMEOUT)]),
    )

    error = error_of(run)

    assert type(error) is errors.EscalationExhausted
    assert [(report.resolution.ref, report.failure.kind) for report in error.attempts] == [
        ("a/m", K.SERVER_ERROR),
        ("b/m", K.ACCOUNT),
        ("c/m", K.TIMEOUT),
    ]
    assert error.cause.kind == K.ACCOUNT
    assert error.retry_at is not None


def test_an_answer_below_the_bar_comes_with_the_error() -> None:
    error = error_of(world((candidate("a/m"), [answer("bad")])))

    assert type(error) is errors.BelowQualityBar
    assert (error.best_answer.text, error.attempts[0].reasons) == ("bad", ("refusal -80: it is bad",))


def test_a_privacy_rule_is_told_apart_from_a_bad_key() -> None:
    """The origin gave both the outcome `auth_error`."""
    key, privacy = (error_of(world((candidate("a/m"), [failing(kind)]))).attempts[0] for kind in (K.AUTH, K.PRIVACY))

    assert (key.outcome, privacy.outcome) == ("auth_error", "error")


EMPTY = [
    ((), errors.EscalationExhausted),
    (("denied",), errors.RoutingFailedDependency),
    (("no_credentials", "unconfirmed_capability"), errors.RoutingTooEarly),
]


@pytest.mark.parametrize(("reasons", "kind"), EMPTY)
def test_an_empty_chain_has_three_typed_errors(reasons: tuple[Any, ...], kind: type[Exception]) -> None:
    rejected = tuple(Rejected(resolution=candidate(f"a@{n}/m"), reason=reason) for n, reason in enumerate(reasons))

    error = error_of(World(chain=Chain(name="x", candidates=(), rejected=rejected), providers={}))

    assert type(error) is kind
    assert error.run_id == "r1"
