"""How a worker's run ended, as whoever asked is told."""

from __future__ import annotations

from typing import Any

import pytest

from llmesc.engine.serving.outcome import failure_of
from llmesc.engine.serving.throughput import WINDOW_SECONDS, Throughput
from llmesc.escalation.event_words import Chain, Rejected, RunOutcome
from llmesc.escalation.failures import Failure, FailureKind, SkipScope
from llmesc.escalation.fold import RunView
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.times import Timestamp
from llmesc.fleet.failures import from_afar

NOW = Timestamp(1_000.0)
LAB = Resolution(tier=Tier.LOCAL, provider="lab", model="m", offering=Offering(offering_id="lab/m"))
BROKEN = Failure(kind=FailureKind.SERVER_ERROR, rule="status.500", message="broke")


def view(outcome: RunOutcome, *reasons: Any, **more: Any) -> RunView:
    rejected = tuple(Rejected(resolution=LAB, reason=reason) for reason in reasons)
    return RunView(outcome=outcome, chain=Chain(name="fleet", candidates=(), rejected=rejected), **more)


def test_an_answer_is_none_and_a_providers_failure_is_its_own() -> None:
    assert failure_of(view(RunOutcome.ANSWERED), None, NOW) is None
    assert failure_of(view(RunOutcome.EXHAUSTED), BROKEN, NOW) is BROKEN


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (view(RunOutcome.DEADLINE), FailureKind.TIMEOUT),
        (view(RunOutcome.POLICY), FailureKind.PERMISSION),
        (view(RunOutcome.NOTHING_CALLABLE, "context_too_small"), FailureKind.CONTEXT_OVERFLOW),
        (view(RunOutcome.NOTHING_CALLABLE, "missing_capability"), FailureKind.PAYLOAD),
        (view(RunOutcome.NOTHING_CALLABLE, "not_allowed"), FailureKind.PERMISSION),
        (view(RunOutcome.NOTHING_CALLABLE, "denied"), FailureKind.OVERLOADED),
    ],
)
def test_what_was_not_called_says_whether_it_could_be_later(seen: RunView, kind: FailureKind) -> None:
    failure = failure_of(seen, None, NOW)
    assert failure is not None and failure.kind == kind


def test_an_open_circuit_at_the_worker_says_how_long() -> None:
    failure = failure_of(view(RunOutcome.NOTHING_CALLABLE, retry_at=Timestamp(NOW + 12)), None, NOW)
    assert failure is not None
    assert (failure.kind, failure.retry_after_seconds) == (FailureKind.OVERLOADED, 12.0)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_failure_from_afar_never_stops_the_run_here_and_rules_out_no_other_lane(kind: FailureKind) -> None:
    seen = from_afar(Failure(kind=kind, rule="r", message="m"), "w1").failure

    assert not seen.consequence.stop
    assert seen.skip in (SkipScope.MODEL_ON_INSTANCE, SkipScope.MODEL, SkipScope.SMALLER_WINDOWS)
    own = {FailureKind.MODEL_NOT_ALLOWED, FailureKind.CLIENT_GONE, FailureKind.PRIVACY}
    assert seen.kind == (FailureKind.SERVER_ERROR if kind in own else kind)
    assert seen.message == "worker w1: m"


def test_tokens_a_second_are_of_the_last_moments() -> None:
    rate = Throughput()
    rate.add(50, 0.0)
    rate.add(50, 5.0)
    assert rate.per_second(5.0) == 100 / WINDOW_SECONDS
    assert rate.per_second(WINDOW_SECONDS) == 50 / WINDOW_SECONDS
    assert rate.per_second(5.0 + WINDOW_SECONDS) == 0.0
