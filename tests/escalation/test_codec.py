"""Events leave the process as JSON and come back the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Lease, Override, Recent, WeightedFailure
from llmesc.escalation.codec import decode, decode_event, encode, encode_event
from llmesc.escalation.events import EVENT_TYPES, RunStarted, TextDelta
from llmesc.escalation.hedging import HedgeAfter
from llmesc.escalation.limits import Limits
from llmesc.escalation.times import Timestamp
from tests.escalation.test_laws import worlds


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_every_event_of_every_run_survives_json(one: Any) -> None:
    for event in one.play():
        written = encode_event(event)
        read = decode_event(json.loads(json.dumps(written)))
        assert type(read) is type(event)
        # Times are kept to the microsecond, so it is what is written that comes back the same.
        assert encode_event(read) == written


def test_json_says_schema_and_type_first_and_times_as_people_write_them() -> None:
    event = TextDelta(run_id="r", seq=3, at=Timestamp(1763845200.25), elapsed_ms=12.5, attempt=1, text="hi")

    encoded = encode_event(event)

    assert list(encoded)[:2] == ["schema", "type"]
    assert encoded["at"] == "2025-11-22T21:00:00.250000Z"


def test_the_names_of_all_events_are_their_types() -> None:
    assert {name: cls.__dataclass_fields__["type"].default for name, cls in EVENT_TYPES.items()} == {
        name: name for name in EVENT_TYPES
    }
    assert len(EVENT_TYPES) == 18


def test_a_newer_version_may_add_fields_and_types() -> None:
    event = TextDelta(run_id="r", seq=0, at=Timestamp(0.0), elapsed_ms=0.0, attempt=1, text="hi")

    assert decode_event({**encode_event(event), "schema": 2, "mood": "fine"}) == event
    assert decode_event({"schema": 9, "type": "telepathy"}) is None


def test_a_field_that_is_missing_takes_its_default_or_is_named() -> None:
    assert decode(Circuit, {}) == Circuit()
    try:
        decode(RunStarted, {})
    except KeyError as error:
        assert error.args == ("run_id",)
    else:
        raise AssertionError("a run without an id was read")


@pytest.mark.parametrize("hedge_after", ["off", "p95", 2.5])
def test_a_number_or_a_word_comes_back_as_what_it_was(hedge_after: HedgeAfter) -> None:
    limits = Limits(hedge_after=hedge_after)

    assert decode(Limits, json.loads(json.dumps(encode(limits)))) == limits


def test_a_circuit_with_everything_survives() -> None:
    at = Timestamp(1_700_000_000.5)
    circuit = Circuit(
        state=CircuitState.HALF_OPEN,
        generation=7,
        failures=(WeightedFailure(at, 0.5),),
        opened_at=at,
        retry_at=at,
        opens=2,
        lease=Lease(token="t", holder="h:1", expires_at=at),
        cause=Cause(kind="timeout", message="silence", at=at),
        override=Override(state="open", who="ann", why="drain", set_at=at, until=None),
        latency_seconds=0.25,
        recent=(Recent(at, True, 0.25),),
    )

    assert decode(Circuit, json.loads(json.dumps(encode(circuit)))) == circuit
