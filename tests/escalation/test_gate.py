"""What is held of a streamed answer, and when it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.checks.json_answer import read_json
from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    GateOpened,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    TextDelta,
    ToolCallRequested,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.gate import judge_beginning, may_become_json
from llmesc.escalation.limits import GateMode, Limits
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.pieces import Finish, ToolCallPiece, UsagePiece
from llmesc.escalation.quality import Draft, QualitySettings, judge
from llmesc.escalation.resolution import Tier
from tests.escalation.laws import violations
from tests.escalation.world import Say, Silence, World, answer, candidate, failing, world

K = FailureKind
FIRST, SECOND = candidate("a/m"), candidate("b/m", Tier.CLOUD)
GOOD = "Raft is a consensus algorithm that is easy to understand."
REFUSAL = "I'm sorry, but I can't help with that request. "


def limits(gate: GateMode, characters: int = 40, **fields: Any) -> Limits:
    return Limits(gate=gate, gate_characters=characters, wait=False, **fields)


def pair(
    first: list[Any], gate: GateMode, second: list[Any] | None = None, *, limits_characters: int = 40, **fields: Any
) -> World:
    return world((FIRST, [first]), (SECOND, [second or answer(GOOD)]), limits=limits(gate, limits_characters), **fields)


def end(events: list[Any]) -> RunFinished:
    assert violations(events, 3) == []
    return events[-1]  # type: ignore[no-any-return]


def of(kind: type, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


# -- what a beginning can show ---------------------------------------------------------------------------------------

BEGINNINGS = [
    ("Raft is", {}, True),
    (REFUSAL, {}, False),
    ("I don't have access to your screen, but ", {}, False),
    ("I don't have access to your screen, but here is how to do it: open the settings, then choose the network.", {}, True),
    ("  \n\n", {}, False),
    ("<think>hm</think>\n", {}, False),
    ("a b c d " * 30, {}, False),
    ("- - - - ", {}, True),
    ("Here is the JSON:", {}, True),
    ("Here is the JSON:", {"expect": "json"}, False),
    ("<!doctype html>", {"expect": "json"}, False),
    ("```json\n{", {"expect": "json"}, True),
    ('{"name', {"expect": "json"}, True),
    ('{"error": "I cannot help with that."', {"expect": "json"}, True),
]


@pytest.mark.parametrize(("text", "fields", "good"), BEGINNINGS)
def test_a_beginning_is_judged_by_what_it_can_show(text: str, fields: dict[str, Any], good: bool) -> None:
    assert judge_beginning(Draft(text=text, **fields), QualitySettings()).passes(50) is good


def test_a_check_that_is_switched_off_holds_nothing_against_a_beginning() -> None:
    assert judge_beginning(Draft(text=REFUSAL), QualitySettings(weights={})).score == 100


def test_a_beginning_is_held_to_nothing_that_the_whole_is_not_held_to() -> None:
    for text, fields, good in BEGINNINGS:
        if not good:
            assert not judge(Draft(text=text, **fields), QualitySettings()).passes(50)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists), st.integers(0, 40), st.booleans())
def test_every_beginning_of_json_may_become_json(value: Any, cut: int, fenced: bool) -> None:
    import json

    text = f"```json\n{json.dumps(value)}\n```" if fenced else json.dumps(value)
    read_json(text)

    assert may_become_json(text[:cut])


# -- off -----------------------------------------------------------------------------------------------------------------


def test_without_a_gate_text_is_shown_as_it_comes() -> None:
    events = pair(answer(GOOD), "off").play()

    assert [event.held for event in of(TextDelta, events)] == [False]
    assert not of(GateOpened, events)


# -- window --------------------------------------------------------------------------------------------------------------


def test_a_beginning_is_held_until_it_is_complete_and_what_follows_is_shown_at_once() -> None:
    run = pair([Say(GOOD[:30]), Say(GOOD[30:45]), Say(GOOD[45:]), Finish("stop")], "window")

    events = run.play()

    assert [(event.text, event.held) for event in of(TextDelta, events)] == [
        (GOOD[:30], True),
        (GOOD[30:45], True),
        (GOOD[45:], False),
    ]
    assert [event.characters for event in of(GateOpened, events)] == [45]
    assert end(events).outcome == "answered"


def test_time_opens_the_gate_though_nothing_more_comes() -> None:
    run = pair([Say("Raft "), Silence(5), Say(GOOD[5:]), Finish("stop")], "window")

    events = run.play()

    opened, first = of(GateOpened, events)[0], of(TextDelta, events)[0]
    assert opened.elapsed_ms - first.elapsed_ms == pytest.approx(1000)
    assert end(events).answer is not None and end(events).answer.text == GOOD


def test_a_short_answer_is_shown_when_it_is_accepted() -> None:
    events = pair(answer("42"), "window").play()

    kinds = [event.type for event in events if event.type in ("text_delta", "quality_checked", "gate_opened", "attempt_finished")]
    assert kinds == ["text_delta", "quality_checked", "gate_opened", "attempt_finished"]


def test_a_bad_beginning_ends_the_call_at_once_and_nobody_saw_it() -> None:
    run = pair(
        [Say(REFUSAL), Say("It would not be right. " * 20), UsagePiece(Usage(output_tokens=900)), Finish("stop")], "window"
    )

    events = run.play()

    assert [event.outcome for event in of(AttemptFinished, events)] == ["quality_failure", "success"]
    assert of(AttemptFinished, events)[0].characters == len(REFUSAL), "the rest was not read, and is not paid for"
    assert of(AttemptFinished, events)[0].usage.estimated
    assert run.providers["a/m"].closed == 1
    assert not of(AnswerReset, events)
    switch = of(ProviderSwitched, events)[0]
    assert (switch.because, switch.characters_discarded, switch.characters_kept) == ("quality", 0, 0)
    assert [(event.passed, event.score) for event in of(QualityChecked, events)] == [(False, 40), (True, 100)]


def test_time_alone_condemns_nothing() -> None:
    """The first words of a good answer may be those of a refusal."""
    text = "I don't have access to your screen, but here is how it is done: open the settings, and choose the network."
    run = pair([Say(text[:25]), Silence(5), Say(text[25:]), Finish("stop")], "window")

    events = run.play()

    assert end(events).answer is not None and end(events).answer.text == text
    assert [event.held for event in of(TextDelta, events)] == [True, True]


def test_what_began_badly_is_shown_as_soon_as_it_no_longer_does() -> None:
    text = ["I don't have access to your screen, but ", "here is how it is done: open the settings, ", "then choose."]
    run = pair([Say(text[0]), Silence(2), Say(text[1]), Say(text[2]), Finish("stop")], "window", limits_characters=200)

    events = run.play()

    assert [event.held for event in of(TextDelta, events)] == [True, True, False]


def test_what_is_no_json_is_condemned_with_its_first_word() -> None:
    run = pair(
        [Say("Here"), Say(" it is: {}"), Finish("stop")], "window", answer("{}"), request=replace(ask_for("?"), expect="json")
    )

    events = run.play()

    assert [event.text for event in of(TextDelta, events)] == ["Here", "{}"]
    assert end(events).answer is not None and end(events).answer.text == "{}"


def test_what_fails_behind_the_window_is_taken_back_in_sight() -> None:
    run = pair(answer(GOOD + " Or is it?"), "window", bad_answers=frozenset({GOOD + " Or is it?"}))

    events = run.play()

    assert [event.characters for event in of(AnswerReset, events)] == [len(GOOD) + 10]
    assert end(events).answer is not None and end(events).answer.text == GOOD


def test_one_that_breaks_off_within_the_window_loses_nothing() -> None:
    events = pair([Say("Raft is"), *failing(K.CONNECTION)], "window").play()

    assert not of(AnswerReset, events)
    assert of(ProviderSwitched, events)[0].characters_discarded == 0
    assert end(events).answer is not None and end(events).answer.text == GOOD


def test_the_last_candidate_may_finish_what_began_badly() -> None:
    """Nobody else is left, so its whole answer is worth more than the beginning of one."""
    text = REFUSAL + "It would not be right."
    run = world((FIRST, [[Say(REFUSAL), Say("It would not be right."), Finish("stop")]]), limits=limits("window"))
    run.bad_answers = frozenset({text})

    events = run.play()

    assert end(events).outcome == "below_bar"
    assert end(events).answer is not None and end(events).answer.text == text
    assert not of(GateOpened, events)


def test_where_all_begin_badly_the_best_is_what_there_was() -> None:
    run = pair([Say(REFUSAL), Say("No."), Finish("stop")], "window", [Say("bad"), Finish("stop")])

    last = end(run.play())

    assert last.outcome == "below_bar"
    assert last.answer is not None and (last.answer.text, last.answer.attempt) == ("bad", 2), "complete, though it scores less"


def test_an_answer_that_asks_for_tools_shows_nothing_of_what_it_says_beside() -> None:
    run = pair([Say("Let me see."), ToolCallPiece("c", "x", "{}"), Finish("tool_calls")], "full")

    events = run.play()

    assert of(ToolCallRequested, events)
    assert end(events).outcome == "answered"
    assert [event.characters for event in of(GateOpened, events)] == [11], "the calls are the answer here, and accepted"


# -- full ----------------------------------------------------------------------------------------------------------------


def test_a_full_gate_shows_an_answer_when_it_is_accepted() -> None:
    events = pair([Say(GOOD[:30], 2.0), Say(GOOD[30:], 2.0), Finish("stop")], "full").play()

    assert [event.held for event in of(TextDelta, events)] == [True, True]
    opened = of(GateOpened, events)[0]
    assert opened.characters == len(GOOD)
    assert opened.seq > of(QualityChecked, events)[0].seq


@pytest.mark.parametrize("ending", [[Finish("stop")], failing(K.CONNECTION), []])
def test_a_full_gate_never_has_anything_to_take_back(ending: list[Any]) -> None:
    events = pair([Say("bad"), *ending], "full").play()

    assert not of(AnswerReset, events)
    assert end(events).answer is not None and end(events).answer.text == GOOD
    assert of(ProviderSwitched, events)[0].characters_discarded == 0
