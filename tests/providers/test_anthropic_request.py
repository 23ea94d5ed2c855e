"""A request as the Messages API writes it."""

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
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    ask_for,
)
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.providers.anthropic_request import DEFAULT_MAX_TOKENS, messages_body

ASK = ask_for("hi")


def body(request: Request, *, options: dict[str, Any] | None = None, **offering: Any) -> dict[str, Any]:
    offered = Offering(offering_id="m", **offering)
    made = messages_body(request, Resolution(tier=Tier.FRONTIER, provider="claude", model="m", offering=offered), options or {})
    json.dumps(made)
    return made


def turn(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def turns(*messages: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(Request(messages=messages))["messages"]
    return made


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_a_plain_question_says_no_more_than_it_must() -> None:
    assert body(ASK) == {
        "model": "m",
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": [{"role": "user", "content": [text("hi")]}],
        "stream": True,
    }
    assert "stream" not in body(replace(ASK, stream=False))


@pytest.mark.parametrize(
    ("asked", "offering", "longest"),
    [
        (64, {"max_output_tokens": 4096}, 64),
        (None, {"max_output_tokens": 64_000}, 64_000),
        (None, {"context_window": 200_000}, DEFAULT_MAX_TOKENS),
        (None, {"context_window": 2048}, 1024),
        (None, {}, DEFAULT_MAX_TOKENS),
    ],
)
def test_the_longest_answer_is_always_said(asked: int | None, offering: dict[str, Any], longest: int) -> None:
    assert body(replace(ASK, max_output_tokens=asked), **offering)["max_tokens"] == longest


@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.0), (0.7, 0.7), (1.6, 1.0)])
def test_a_temperature_that_is_refused_becomes_the_highest_that_is_not(asked: float, sent: float) -> None:
    assert body(replace(ASK, temperature=asked, seed=7))["temperature"] == sent


def test_system_texts_stand_apart_in_their_order_wherever_they_were() -> None:
    made = body(
        Request(
            messages=(
                turn("system", Text(text="Be short.")),
                turn("user", Text(text="a")),
                turn("system", Text(text="Be kind.")),
                turn("assistant", Text(text="b")),
                turn("user", Text(text="c")),
            )
        )
    )

    assert made["system"] == "Be short.\n\nBe kind."
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "user"]


def test_the_two_sides_speak_in_turn_and_nothing_is_said_without_words() -> None:
    assert turns(
        turn("user", Text(text="a")),
        turn("user", Text(text=" \n"), Text(text="b")),
        turn("assistant", Text(text="")),
        turn("user", Text(text="c")),
        turn("assistant", Text(text="d")),
        turn("user", Text(text="e")),
    ) == [
        {"role": "user", "content": [text("a"), text("b"), text("c")]},
        {"role": "assistant", "content": [text("d")]},
        {"role": "user", "content": [text("e")]},
    ]


def test_pictures_go_by_address_or_as_bytes() -> None:
    sources = [
        block["source"]
        for block in turns(
            turn(
                "user",
                Image(url="https://host.test/a.png"),
                Image(base64="aGk=", media_type="image/jpeg"),
                Image(url="data:image/webp;base64,aGk="),
            )
        )[0]["content"]
    ]

    assert sources == [
        {"type": "url", "url": "https://host.test/a.png"},
        {"type": "base64", "media_type": "image/jpeg", "data": "aGk="},
        {"type": "base64", "media_type": "image/webp", "data": "aGk="},
    ]


def test_all_results_of_a_turns_calls_come_together_before_what_is_said_to_them() -> None:
    assert turns(
        turn(
            "assistant",
            Text(text="Let me look."),
            ToolCall(call_id="c1", name="read", arguments='{"path":"a"}'),
            ToolCall(call_id="c2", name="now", arguments=""),
        ),
        turn("user", Text(text="Go on."), ToolResult(call_id="c1", content="text")),
        turn("tool", ToolResult(call_id="c2", content="no clock", is_error=True)),
    ) == [
        {
            "role": "assistant",
            "content": [
                text("Let me look."),
                {"type": "tool_use", "id": "c1", "name": "read", "input": {"path": "a"}},
                {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "text"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "no clock", "is_error": True},
                text("Go on."),
            ],
        },
    ]


def test_ids_of_another_provider_are_made_acceptable_in_call_and_result() -> None:
    called, answered = turns(
        turn("assistant", ToolCall(call_id="functions.now:0", name="now", arguments="{}")),
        turn("tool", ToolResult(call_id="functions.now:0", content="noon")),
    )

    assert (called["content"][0]["id"], answered["content"][0]["tool_use_id"]) == ("call_0", "call_0")


@pytest.mark.parametrize("written", ["{", "[1]", "null"])
def test_arguments_that_are_no_object_are_shown_to_the_model_as_it_wrote_them(written: str) -> None:
    (made,) = turns(turn("assistant", ToolCall(call_id="c", name="now", arguments=written)))

    assert written in made["content"][0]["input"].values()


def test_thinking_goes_back_to_who_signed_it_and_to_nobody_else() -> None:
    made, _ = turns(
        turn(
            "assistant",
            Thinking(text="Hm", signature="sig", provider="claude"),
            Thinking(text="", signature="redacted:xyz", provider="claude"),
            Thinking(text="", signature="unseen", provider="claude"),
            Thinking(text="unsigned", provider="claude"),
            Thinking(text="foreign", signature="sig", provider="gemini"),
            Text(text="Hi"),
        ),
        turn("user", Text(text="And?")),
    )

    assert made["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "", "signature": "unseen"},
        text("Hi"),
    ]


def test_thinking_is_asked_for_only_where_the_instance_says_so() -> None:
    made = body(replace(ASK, temperature=0.5), options={"thinking": True})

    assert made["thinking"]["type"] == "adaptive"
    assert "temperature" not in made, "refused together"
    assert "thinking" not in body(ASK)


def test_tools_are_offered_with_their_schemas() -> None:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}}

    assert body(replace(ASK, tools=(ToolSpec(name="read", description="Reads.", parameters=parameters),)))["tools"] == [
        {"name": "read", "description": "Reads.", "input_schema": parameters}
    ]


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
NESTED = {**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}, "b": {"anyOf": [{"type": "null"}, CLOSED]}}}
SCHEMA_CAPABLE = frozenset({"schema"})


@pytest.mark.parametrize("schema", [CLOSED, NESTED])
def test_a_schema_is_enforced_where_model_and_wire_are_known_to_do_it(schema: dict[str, Any]) -> None:
    made = body(replace(ASK, schema=schema), capabilities=SCHEMA_CAPABLE)

    assert made["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert "system" not in made


@pytest.mark.parametrize(
    ("schema", "capabilities"),
    [
        (CLOSED, None),
        (CLOSED, frozenset({"tools"})),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, SCHEMA_CAPABLE),
        ({**CLOSED, "properties": {"a": {"type": "integer", "minimum": 1}}}, SCHEMA_CAPABLE),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, SCHEMA_CAPABLE),
        ({**CLOSED, "properties": {"a": True}}, SCHEMA_CAPABLE),
        ({"type": ["object", "null"]}, SCHEMA_CAPABLE),
        ({"properties": {"a": {"type": "string"}}}, SCHEMA_CAPABLE),
        ({"$ref": "#/$defs/a", "$defs": {"a": CLOSED}}, SCHEMA_CAPABLE),
    ],
)
def test_any_other_schema_is_asked_for_in_words(schema: dict[str, Any], capabilities: frozenset[str] | None) -> None:
    made = body(replace(ask_for("hi", system="Be short."), schema=schema), capabilities=capabilities)

    assert "output_config" not in made
    assert made["system"].startswith("Be short.\n\n")
    assert json.dumps(schema) in made["system"]


def test_json_is_asked_for_in_words() -> None:
    assert "JSON" in body(replace(ASK, expect="json"))["system"]
