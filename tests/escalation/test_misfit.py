"""What comes from outside is what its type says, or the place that is not is named."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.events import AttemptFinished, AttemptOutcome, RunStarted, TextDelta
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Text, Usage
from llmesc.escalation.misfit import misfit
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.times import Timestamp
from tests.escalation.test_laws import worlds

DELTA = TextDelta(run_id="r", seq=3, at=Timestamp(1.0), elapsed_ms=12.5, attempt=1, text="hi")
LAB = Resolution(tier=Tier.VLLM, provider="lab", model="qwen", offering=Offering(offering_id="lab"))
FINISHED = AttemptFinished(
    run_id="r",
    seq=4,
    at=Timestamp(1.0),
    elapsed_ms=13,
    attempt=1,
    resolution=LAB,
    outcome=AttemptOutcome.SUCCESS,
    usage=Usage(input_tokens=3),
    cost=Decimal("0.1"),
    cost_estimated=False,
    first_token_seconds=None,
    duration_seconds=1,
    characters=2,
)


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_every_event_of_every_run_fits_before_and_after_it_was_written(one: Any) -> None:
    for event in one.play():
        assert misfit(event, type(event)) is None
        read = decode_event(json.loads(json.dumps(encode_event(event))))
        assert misfit(read, type(event)) is None


@pytest.mark.parametrize(
    ("event", "changes", "told"),
    [
        (DELTA, {"text": 7}, "text is no text"),
        (DELTA, {"attempt": "1"}, "attempt is no whole number"),
        (DELTA, {"attempt": True}, "attempt is no whole number"),
        (DELTA, {"elapsed_ms": float("nan")}, "elapsed_ms is no number"),
        (DELTA, {"held": 1}, "held is no bool"),
        (DELTA, {"at": None}, "at is no number"),
        (FINISHED, {"outcome": "success"}, None),  # an enum of text is its text
        (FINISHED, {"outcome": 5}, "outcome is no AttemptOutcome"),
        (FINISHED, {"cost": Decimal("Infinity")}, "cost is no amount"),
        (FINISHED, {"usage": Usage(input_tokens="many")}, "usage.input_tokens is no whole number"),
        (FINISHED, {"resolution": replace(LAB, offering=Offering(offering_id="x", capabilities=frozenset([1])))}, "is no text"),
        (FINISHED, {"lost_to": []}, "lost_to is no whole number"),
        (FINISHED, {"usage": None}, "usage is no Usage"),
    ],
)
def test_what_does_not_fit_is_named(event: Any, changes: dict[str, Any], told: str | None) -> None:
    if changes.get("outcome") == "success":
        changes = {"outcome": AttemptOutcome("success")}

    found = misfit(replace(event, **changes), type(event))

    assert found is None if told is None else found is not None and told in found


@pytest.mark.parametrize(
    ("value", "hint", "told"),
    [
        ({"a": "b"}, dict[str, str], None),
        ({"a": 1}, dict[str, str], "x.a is no text"),
        ([], dict[str, str], "x is no table"),
        ((Text(text="hi"),), tuple[Text, ...], None),
        ((Text(text="hi"), "no"), tuple[Text, ...], "x[1] is no Text"),
        ("list", tuple[str, ...], "x is no list"),
        (object(), Any, None),
        (Limits(), Limits, None),
    ],
)
def test_of_any_shape(value: Any, hint: Any, told: str | None) -> None:
    assert misfit(value, hint, "x") == told


def test_the_beginning_of_a_run_is_looked_at_to_its_depths() -> None:
    assert RunStarted.__name__ in str(misfit(DELTA, RunStarted))
