"""What is written as text at once is, letter for letter, what the codec and `json` make of it in two steps."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from llmesc.escalation import codec_text
from llmesc.escalation.budget import Page, Reservation
from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Lease, Override, Recent, WeightedFailure
from llmesc.escalation.codec import encode, encode_event
from llmesc.escalation.codec_text import events_text, mapping_text, text_of
from llmesc.escalation.events import AttemptStarted, Event, Move, TextDelta, Waiting
from llmesc.escalation.limits import Limits
from llmesc.escalation.resolution import Offering, Price, PriceTier, Resolution, Tier
from llmesc.escalation.times import Timestamp
from tests.escalation.test_laws import worlds

AT = Timestamp(1763845200.25)
HEADER: dict[str, Any] = {"run_id": "r", "seq": 3, "at": AT, "elapsed_ms": 12.5}
PRICE = Price(
    input_per_million=Decimal("0.15"),
    output_per_million=Decimal("1E+1"),
    tiers=(PriceTier(above_input_tokens=200_000, input_per_million=Decimal(1), output_per_million=Decimal("2.50")),),
)
KNOWN = Resolution(
    tier=Tier.VLLM,
    provider="lab",
    instance="gpu1",
    model="qwen",
    offering=Offering(
        offering_id="lab/qwen",
        capabilities=frozenset(("tools", "images", "json")),
        price=PRICE,
        metadata={"rack": {"row": [1, 2.5, None, True, "ü"]}},
    ),
)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_every_event_of_every_run(one: Any) -> None:
    events = one.play()

    assert events_text(events) == compact([encode_event(event) for event in events])


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(**HEADER, attempt=1, text='a "quote", a \\, \n, \x00, ü, 🦜 and \ud800', held=True),
        TextDelta(**HEADER, attempt=1, text="", characters_not_kept=7),
        TextDelta(**HEADER, sealed="v1.abc", attempt=1, text="…"),
        TextDelta(**{**HEADER, "elapsed_ms": float("inf")}, attempt=1, text="never"),
        TextDelta(**{**HEADER, "elapsed_ms": 12}, attempt=1, text="a whole number where a fraction may stand"),
        AttemptStarted(
            **HEADER,
            attempt=1,
            attempt_id="r.1",
            resolution=KNOWN,
            move=Move.PRIMARY,
            repairs=("thinking is left out",),
            reserved=Reservation(dollars=Decimal("0.10"), until=AT, pages=(Page("all", "2025-11-22"),)),
        ),
        Waiting(**HEADER, until=AT, resolution=KNOWN, because="rate_limit", cost=Decimal("0.000001")),
    ],
    ids=lambda event: event.type,
)
def test_what_is_rare_in_events(event: Event) -> None:
    assert events_text([event]) == compact([encode_event(event)])


@pytest.mark.parametrize(
    "value",
    [
        Circuit(),
        Circuit(
            state=CircuitState.HALF_OPEN,
            generation=7,
            failures=(WeightedFailure(AT, 0.5),),
            opened_at=AT,
            lease=Lease(token="t", holder="h:1", expires_at=AT),
            cause=Cause(kind="timeout", message="silence", at=AT),
            override=Override(state="open", who="ann", why="drain", set_at=AT, until=None),
            latency_seconds=0.25,
            recent=(Recent(AT, True, 0.25), Recent(AT, False, 1e-9)),
        ),
        Limits(hedge_after=2.5, max_cost=Decimal("0.5")),
        Limits(hedge_after="p95"),
        KNOWN,
    ],
)
def test_other_values(value: Any) -> None:
    assert text_of(value) == compact(encode(value))
    assert text_of(value) == compact(encode(value)), "remembered or not"


def test_nothing_at_all() -> None:
    assert events_text([]) == "[]"
    assert mapping_text({}) == "{}"
    assert mapping_text({"usér": 'a"b'}) == compact({"usér": 'a"b'})


def test_what_is_remembered_is_of_that_very_object_and_is_forgotten_before_it_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec_text, "_MOST_REMEMBERED", 3)
    for number in range(20):  # objects that are gone at once, so that another soon lies where they did
        value = replace(KNOWN, model=f"m{number}")
        assert text_of(value) == compact(encode(value))
