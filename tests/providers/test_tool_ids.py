"""Ids of tool calls, when a conversation comes from another provider."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.messages import Message, Text, ToolCall, ToolResult
from llmesc.providers.tool_ids import SHORT, WORDS, IdRule, id_rule, with_accepted_ids


def calls(*ids: str) -> Message:
    return Message(role="assistant", parts=tuple(ToolCall(call_id=call_id, name="now", arguments="{}") for call_id in ids))


def results(*ids: str) -> Message:
    return Message(role="tool", parts=tuple(ToolResult(call_id=call_id, content="noon") for call_id in ids))


def ids(*messages: Message, rule: IdRule = WORDS) -> list[str]:
    return [
        part.call_id
        for message in with_accepted_ids(messages, rule)
        for part in message.parts
        if isinstance(part, ToolCall | ToolResult)
    ]


def test_ids_that_every_wire_takes_stay() -> None:
    conversation = (Message(role="user", parts=(Text(text="when?"),)), calls("toolu_1", "c-2"), results("toolu_1", "c-2"))

    assert with_accepted_ids(conversation) == conversation


def test_an_id_that_would_be_refused_is_replaced_in_the_call_and_in_its_result() -> None:
    assert ids(calls("functions.now:0", "x" * 41, ""), results("", "x" * 41, "functions.now:0")) == [
        *("call_0", "call_1", "call_2"),
        *("call_2", "call_1", "call_0"),
    ]


def test_a_new_id_is_none_that_another_call_has() -> None:
    assert ids(calls("a b", "call_0"), results("a b", "call_0")) == ["call_0", "call_1", "call_0", "call_1"]
    assert ids(calls("call_0", "a b"), results("call_0", "a b")) == ["call_0", "call_1", "call_0", "call_1"]


def test_calls_of_several_rounds_that_share_an_id_are_told_apart() -> None:
    assert ids(calls("c"), results("c"), calls("c"), results("c")) == ["c", "c", "call_0", "call_0"]
    assert ids(calls("c", "c"), results("c", "c")) == ["c", "call_0", "c", "call_0"]


def test_a_later_round_does_not_change_the_ids_of_those_before_it() -> None:
    first = (calls("a b"), results("a b"))

    for added in ("c d", "a b", "call_0"):
        assert ids(*first, calls(added), results(added))[:2] == ids(*first)


NINE = id_rule("openai", {"tool_id_length": 9})
CONVERSATION = st.lists(st.lists(st.sampled_from(["a", "a b", "call_0", "", "é", "x" * 46, "a23456789"]), max_size=3), max_size=4)


@given(CONVERSATION, st.sampled_from([WORDS, SHORT, NINE]))
def test_every_call_has_an_accepted_id_of_its_own_and_every_result_that_of_its_call(
    rounds: list[list[str]], rule: IdRule
) -> None:
    found = iter(ids(*(message for called in rounds for message in (calls(*called), results(*called))), rule=rule))
    asked: list[str] = []
    for called in rounds:
        made = [next(found) for _ in called]
        assert [next(found) for _ in called] == made
        asked += made

    assert len(set(asked)) == len(asked)
    assert all(re.fullmatch(rule.accepted, call_id) for call_id in asked)


def test_each_wire_has_the_rule_of_its_servers() -> None:
    assert [id_rule(api, {}) for api in ("anthropic", "openai-responses", "openai", "llamacpp", "gemini", "ollama")] == [
        *(WORDS, WORDS, SHORT, SHORT, None, None)
    ]


def test_chat_completions_leaves_odd_ids_as_they_are_and_shortens_long_ones() -> None:
    assert ids(calls("functions.now:0", "x" * 40), results("functions.now:0", "x" * 40), rule=SHORT) == [
        *("functions.now:0", "x" * 40) * 2
    ]
    assert ids(calls("chatcmpl-tool-" + "0" * 32), results("chatcmpl-tool-" + "0" * 32), rule=SHORT) == ["call_0", "call_0"]


def test_a_server_that_counts_characters_gets_just_so_many() -> None:
    assert NINE is not None
    assert ids(calls("D681PevKs", "call_0", "a-b-c-d-e"), results("D681PevKs", "call_0", "a-b-c-d-e"), rule=NINE) == [
        *("D681PevKs", "call00000", "call00001") * 2
    ]
