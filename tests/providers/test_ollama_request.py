"""A request as Ollama's `/api/chat` writes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.failures import CallFailed, FailureKind
from llmesc.escalation.messages import Image, Message, Part, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.providers.ollama_request import ollama_body

ASK = ask_for("hi")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
READ = ToolSpec(name="read", description="Reads.", parameters=SCHEMA)


def body(request: Request, context_window: int | None = None, **options: Any) -> dict[str, Any]:
    made = ollama_body(request, "m", "box", options, context_window)
    json.dumps(made)
    return made


def messages(*turns: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(Request(messages=turns))["messages"]
    return made


def turn(role: Any, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


@pytest.mark.parametrize("stream", [True, False])
def test_a_plain_question_says_whether_it_wants_a_stream_and_that_nothing_may_be_cut(stream: bool) -> None:
    assert body(replace(ASK, stream=stream)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": stream,
        "truncate": False,
        "shift": False,
    }


def test_what_the_caller_limits_and_the_configured_window_are_options_zero_included() -> None:
    made = body(replace(ASK, max_output_tokens=64, temperature=0.0, seed=0), context_window=32_768)

    assert made["options"] == {"num_ctx": 32_768, "num_predict": 64, "temperature": 0.0, "seed": 0}


def test_thoughts_and_probabilities_are_spoken_of_only_where_the_instance_does() -> None:
    assert {"think", "logprobs"}.isdisjoint(body(ASK))
    assert body(ASK, thinking=False, logprobs=True).items() >= {"think": False, "logprobs": True}.items()


def test_a_system_text_and_several_turns_keep_their_order_and_own_thinking() -> None:
    assert messages(
        turn("system", Text(text="Be short.")),
        turn("user", Text(text="a"), Text(text="b")),
        turn("assistant", Thinking(text="hm", provider="box"), Thinking(text="no", provider="claude"), Text(text="c")),
        turn("user", Text(text="d")),
    ) == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "c", "thinking": "hm"},
        {"role": "user", "content": "d"},
    ]


def test_pictures_go_as_their_bytes() -> None:
    parts = (Text(text="What?"), Image(base64="aGk="), Image(url="data:image/gif;base64,aG8="))

    assert messages(turn("user", *parts)) == [{"role": "user", "content": "What?", "images": ["aGk=", "aG8="]}]


def test_a_picture_that_only_has_an_address_is_a_failure_and_not_left_out() -> None:
    with pytest.raises(CallFailed) as caught:
        messages(turn("user", Text(text="What?"), Image(url="https://h.test/a.png")))

    assert caught.value.failure.kind is FailureKind.PAYLOAD


def test_calls_have_objects_and_results_the_name_of_their_tool() -> None:
    calls = (ToolCall(call_id="c1", name="read", arguments='{"path":"a"}'), ToolCall(call_id="c2", name="now", arguments=""))
    results = (ToolResult(call_id="c1", content="text"), ToolResult(call_id="c2", content="no clock", is_error=True))

    assert messages(turn("assistant", *calls), turn("tool", *results)) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c1", "function": {"name": "read", "arguments": {"path": "a"}}},
                {"id": "c2", "function": {"name": "now", "arguments": {}}},
            ],
        },
        {"role": "tool", "tool_name": "read", "tool_call_id": "c1", "content": "text"},
        {"role": "tool", "tool_name": "now", "tool_call_id": "c2", "content": "Error: no clock"},
    ]


def test_tools_are_offered_as_functions() -> None:
    assert body(replace(ASK, tools=(READ,)))["tools"] == [
        {"type": "function", "function": {"name": "read", "description": "Reads.", "parameters": SCHEMA}}
    ]


@pytest.mark.parametrize(("request_", "format_"), [(replace(ASK, expect="json"), "json"), (replace(ASK, schema=SCHEMA), SCHEMA)])
def test_json_is_asked_for_as_a_format_and_in_words(request_: Request, format_: Any) -> None:
    made = body(request_)

    assert made["format"] == format_
    assert made["messages"][0]["role"] == "system"
    assert "JSON" in made["messages"][0]["content"]


def test_json_beside_tools_is_asked_for_in_words_alone() -> None:
    made = body(replace(ASK, schema=SCHEMA, tools=(READ,)))

    assert "format" not in made
    assert json.dumps(SCHEMA) in made["messages"][0]["content"]
