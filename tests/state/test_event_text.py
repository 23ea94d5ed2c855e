"""What stores keep of events is their JSON, whoever was named in it before."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings

from llmesc.escalation.codec import encode, encode_event
from llmesc.state import event_text
from llmesc.state.event_text import events_text
from tests.escalation.test_laws import worlds


def plain(events: list[Any]) -> str:
    return json.dumps([encode_event(event) for event in events], separators=(",", ":"))


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_it_is_the_json_of_each_event(one: Any) -> None:
    events = one.play()

    assert events_text(events) == plain(events)
    assert events_text(events[1:]) == plain(events[1:])
    assert events_text([]) == "[]"


@given(worlds())
@settings(max_examples=20, deadline=None)
def test_what_an_event_and_its_candidate_come_to_is_as_it_was(one: Any) -> None:
    events = one.play()
    before = [encode_event(event) for event in events], [encode(each) for each in one.chain.candidates]
    text = json.dumps(before)

    events_text(events)

    assert json.dumps([[encode_event(event) for event in events], [encode(each) for each in one.chain.candidates]]) == text
    assert event_text._MARK not in text
