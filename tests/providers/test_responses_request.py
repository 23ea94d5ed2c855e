"""A request as the Responses API writes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import (
    Image,
    Message,
    Part,
    Request,
    ResponsesBody,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    ask_for,
)
from llmesc.escalation.resolution import CircuitKey
from llmesc.providers.responses_request import responses_body

ASK = ask_for("hi")


def body(request: Request, **options: Any) -> dict[str, Any]:
    made = responses_body(request, "m", CircuitKey("openai"), options)
    json.dumps(made)
    return made


def turn(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def items(*messages: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(Request(messages=messages))["input"]
    return made


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def test_a_plain_question_says_no_more_than_it_must_and_is_not_kept() -> None:
    assert body(ASK) == {"model": "m", "input": [{"role": "user", "content": "hi"}], "store": False, "stream": True}
    assert "stream" not in body(replace(ASK, stream=False))


def test_a_body_of_its_own_goes_as_it_is_but_for_model_and_stream() -> None:
    content = {"stream": False, "input": "hi", "model": "theirs", "tools": [{"type": "web_search"}], "store": True, "extra": 1.50}
    request = replace(ASK, responses_body=ResponsesBody(content=content))

    made = body(replace(request, max_output_tokens=5, tools=(), schema={"type": "object"}), thinking=True)

    assert list(made.items()) == list({**content, "model": "m", "stream": True}.items())
    assert body(replace(request, stream=False))["stream"] is False
    assert content["model"] == "theirs"


@pytest.mark.parametrize(("asked", "sent"), [(64, 64), (16, 16), (5, 16)])
def test_a_limit_that_is_refused_becomes_the_least_that_is_not(asked: int, sent: int) -> None:
    assert body(replace(ASK, max_output_tokens=asked))["max_output_tokens"] == sent


def test_what_the_wire_has_no_place_for_is_left_out() -> None:
    made = body(replace(ASK, temperature=0.0, seed=7))

    assert (made["temperature"], "seed" in made) == (0.0, False)


def test_a_system_text_and_several_turns_keep_their_order() -> None:
    assert items(
        turn("system", Text(text="Be short.")),
        turn("user", Text(text="a"), Text(text="b")),
        turn("assistant", Text(text="c")),
        turn("user", Text(text="d")),
    ) == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "ab"},
        said("c"),
        {"role": "user", "content": "d"},
    ]


def test_pictures_go_as_addresses_or_as_data() -> None:
    parts = (Text(text="What is it?"), Image(url="https://host.test/a.png"), Image(base64="aGk=", media_type="image/jpeg"))

    assert items(turn("user", *parts))[0]["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "https://host.test/a.png"},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,aGk="},
    ]


def test_calls_results_and_reasoning_are_items_of_their_own_in_their_order() -> None:
    assert items(
        turn(
            "assistant",
            Thinking(text="Hm", signature="sealed", provider="openai"),
            Text(text="Let me look."),
            ToolCall(call_id="c1", name="read", arguments='{"path":"a"}'),
            ToolCall(call_id="functions.now:1", name="now", arguments="{}"),
        ),
        turn("tool", ToolResult(call_id="c1", content="text")),
        turn("tool", ToolResult(call_id="functions.now:1", content="no clock", is_error=True), Text(text="Go on.")),
    ) == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "sealed"},
        said("Let me look."),
        {"type": "function_call", "call_id": "c1", "name": "read", "arguments": '{"path":"a"}'},
        {"type": "function_call", "call_id": "call_0", "name": "now", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "text"},
        {"type": "function_call_output", "call_id": "call_0", "output": "Error: no clock"},
        {"role": "user", "content": "Go on."},
    ]


def test_thinking_goes_back_to_who_sealed_it_and_to_nobody_else() -> None:
    assert items(
        turn(
            "assistant",
            Thinking(text="", signature="sealed", provider="openai"),
            Thinking(text="unsealed", provider="openai"),
            Thinking(text="sealed for another", signature="s", provider="openai", instance="team-b"),
            Thinking(text="foreign", signature="s", provider="claude"),
            Text(text="Hi"),
        ),
        turn("user", Text(text="And?")),
    )[:-1] == [{"type": "reasoning", "summary": [], "encrypted_content": "sealed"}, said("Hi")]


def test_thinking_and_probabilities_are_asked_for_only_where_the_instance_says_so() -> None:
    assert body(ASK).keys().isdisjoint({"reasoning", "include"})
    made = body(ASK, thinking=True, logprobs=True)
    assert made["reasoning"] == {"summary": "auto"}
    assert made["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]


def test_tools_are_offered_as_functions_whose_schemas_may_be_any() -> None:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}}

    assert body(replace(ASK, tools=(ToolSpec(name="read", description="Reads.", parameters=parameters),)))["tools"] == [
        {"type": "function", "name": "read", "description": "Reads.", "parameters": parameters, "strict": False}
    ]


def test_a_schema_asks_for_answers_that_satisfy_it() -> None:
    schema = {"type": "object"}

    assert body(replace(ASK, schema=schema))["text"] == {"format": {"type": "json_schema", "name": "answer", "schema": schema}}


def test_json_is_asked_for_in_words_too() -> None:
    made = body(replace(ASK, expect="json"))

    assert made["text"] == {"format": {"type": "json_object"}}
    assert "JSON" in made["input"][0]["content"]
