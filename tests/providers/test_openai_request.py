"""A request as Chat Completions writes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.providers.openai_request import chat_body

HERE = "http://gpu1:8000/v1"
ASK = ask_for("hi")


def body(request: Request, base_url: str = HERE, **options: Any) -> dict[str, Any]:
    made = chat_body(request, "m", options, base_url)
    json.dumps(made)
    return made


def messages(*parts: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(Request(messages=parts))["messages"]
    return made


def test_a_plain_question_says_no_more_than_it_must() -> None:
    assert body(ASK) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_without_a_stream_there_are_no_options_of_one() -> None:
    assert body(replace(ASK, stream=False)) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_server_that_refuses_stream_options_is_not_sent_any() -> None:
    assert "stream_options" not in body(ASK, stream_options=False)


def test_probabilities_are_asked_for_only_where_the_instance_says_so() -> None:
    assert "logprobs" not in body(ASK)
    assert body(ASK, logprobs=True)["logprobs"] is True


def test_what_the_caller_limits_is_passed_on_zero_included() -> None:
    made = body(replace(ASK, max_output_tokens=64, temperature=0.0, seed=0))

    assert (made["max_tokens"], made["temperature"], made["seed"]) == (64, 0.0, 0)


@pytest.mark.parametrize(
    ("base_url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://team.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://api.groq.com/openai/v1", "max_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
        ("https://openai.com.example.org/v1", "max_tokens"),
    ],
)
def test_the_longest_answer_has_the_name_that_the_server_knows(base_url: str, field: str) -> None:
    made = body(replace(ASK, max_output_tokens=64), base_url)

    assert {name for name in made if name.startswith("max_")} == {field}


def test_a_system_text_and_several_turns_keep_their_order() -> None:
    assert messages(
        Message(role="system", parts=(Text(text="Be short."),)),
        Message(role="user", parts=(Text(text="a"), Text(text="b"))),
        Message(role="assistant", parts=(Thinking(text="secret thought", signature="s"), Text(text="c"))),
        Message(role="user", parts=(Text(text="d"),)),
    ) == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


def test_pictures_go_as_urls_or_as_data() -> None:
    parts = (Text(text="What is it?"), Image(url="https://host.test/a.png"), Image(base64="aGk=", media_type="image/jpeg"))

    assert messages(Message(role="user", parts=parts))[0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://host.test/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
    ]


def test_tool_calls_and_their_results_pair_by_id() -> None:
    calls = (ToolCall(call_id="c1", name="read", arguments='{"path":"a"}'), ToolCall(call_id="c2", name="now", arguments="{}"))
    results = (ToolResult(call_id="c1", content="text"), ToolResult(call_id="c2", content="no clock", is_error=True))

    assert messages(Message(role="assistant", parts=calls), Message(role="tool", parts=results)) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}},
                {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "text"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no clock"},
    ]


def test_results_that_stand_in_a_users_turn_come_before_its_text() -> None:
    parts = (Text(text="and now?"), ToolResult(call_id="c1", content="text"))

    assert [message["role"] for message in messages(Message(role="user", parts=parts))] == ["tool", "user"]


def test_tools_are_offered_as_functions() -> None:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}}
    made = body(replace(ASK, tools=(ToolSpec(name="read", description="Reads.", parameters=parameters),)))

    assert made["tools"] == [
        {"type": "function", "function": {"name": "read", "description": "Reads.", "parameters": parameters}}
    ]


def test_a_schema_asks_for_answers_that_satisfy_it() -> None:
    schema = {"type": "object"}

    assert body(replace(ASK, schema=schema))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


def test_json_is_asked_for_in_words_too_where_nobody_did() -> None:
    asked = body(replace(ask_for("List three, as JSON."), expect="json"))
    unasked = body(replace(ASK, expect="json"))

    assert asked["response_format"] == unasked["response_format"] == {"type": "json_object"}
    assert len(asked["messages"]) == 1
    assert (unasked["messages"][0]["role"], len(unasked["messages"])) == ("system", 2)
