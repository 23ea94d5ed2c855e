"""A request as Gemini's `generateContent` writes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import Image, Message, Part, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.providers.gemini_request import FOREIGN_SIGNATURE, gemini_body

ASK = ask_for("hi")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
READ = ToolSpec(name="read", description="Reads.", parameters=SCHEMA)


def body(request: Request, model: str = "gemini-3-flash", **options: Any) -> dict[str, Any]:
    made = gemini_body(request, model, "google", options)
    json.dumps(made)
    return made


def contents(*messages: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = body(Request(messages=messages))["contents"]
    return made


def turn(role: Any, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def call(call_id: str, name: str = "read", arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id=call_id, name=name, arguments=arguments)


@pytest.mark.parametrize("stream", [True, False])
def test_a_plain_question_says_no_more_than_it_must(stream: bool) -> None:
    assert body(replace(ASK, stream=stream)) == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_system_texts_stand_apart_wherever_they_were_and_the_rest_keeps_its_order() -> None:
    made = body(
        Request(
            messages=(
                turn("system", Text(text="Be short.")),
                turn("user", Text(text="a")),
                turn("assistant", Text(text="b")),
                turn("system", Text(text="In English.")),
                turn("user", Text(text="c")),
            )
        )
    )

    assert made["systemInstruction"] == {"parts": [{"text": "Be short."}, {"text": "In English."}]}
    assert [(content["role"], content["parts"][0]["text"]) for content in made["contents"]] == [
        ("user", "a"),
        ("model", "b"),
        ("user", "c"),
    ]


def test_turns_of_one_side_that_follow_each_other_are_one() -> None:
    assert contents(turn("user", Text(text="a")), turn("user", Text(text="b"))) == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}
    ]


def test_a_turn_with_nothing_to_say_is_left_out() -> None:
    foreign = Thinking(text="hm", signature="s", provider="claude")

    assert contents(turn("user", Text(text="a")), turn("assistant", foreign)) == [{"role": "user", "parts": [{"text": "a"}]}]


def test_what_the_caller_limits_is_passed_on_zero_included() -> None:
    made = body(replace(ASK, max_output_tokens=64, temperature=0.0, seed=0))

    assert made["generationConfig"] == {"maxOutputTokens": 64, "temperature": 0.0, "seed": 0}


def test_thoughts_and_probabilities_are_asked_for_only_where_the_instance_says_so() -> None:
    made = body(ASK, thinking=True, logprobs=True)

    assert made["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}, "responseLogprobs": True}


@pytest.mark.parametrize(
    ("image", "part"),
    [
        (Image(base64="aGk=", media_type="image/jpeg"), {"inlineData": {"mimeType": "image/jpeg", "data": "aGk="}}),
        (Image(url="data:image/gif;base64,aGk="), {"inlineData": {"mimeType": "image/gif", "data": "aGk="}}),
        (Image(url="https://h.test/a.jpg?x=1"), {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://h.test/a.jpg?x=1"}}),
        (
            Image(url="https://h.test/a", media_type="image/webp"),
            {"fileData": {"mimeType": "image/webp", "fileUri": "https://h.test/a"}},
        ),
    ],
)
def test_pictures_go_as_bytes_or_by_their_address(image: Image, part: dict[str, Any]) -> None:
    assert contents(turn("user", Text(text="What?"), image))[0]["parts"] == [{"text": "What?"}, part]


def test_tools_are_offered_with_their_json_schema() -> None:
    assert body(replace(ASK, tools=(READ,)))["tools"] == [
        {"functionDeclarations": [{"name": "read", "description": "Reads.", "parametersJsonSchema": SCHEMA}]}
    ]


def test_calls_have_objects_and_results_the_name_of_their_tool_all_of_a_turn_together() -> None:
    made = contents(
        turn("assistant", Text(text="Let me see."), call("c1", arguments='{"path":"a"}'), call("c2", "now")),
        turn("tool", ToolResult(call_id="c1", content="text")),
        turn("tool", ToolResult(call_id="c2", content="no clock", is_error=True)),
    )

    assert made == [
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"name": "read", "args": {"path": "a"}}, "thoughtSignature": FOREIGN_SIGNATURE},
                {"functionCall": {"name": "now", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "read", "response": {"output": "text"}}},
                {"functionResponse": {"name": "now", "response": {"error": "no clock"}}},
            ],
        },
    ]


def test_a_result_belongs_to_the_last_call_of_its_id() -> None:
    made = contents(
        turn("assistant", call("c")),
        turn("tool", ToolResult(call_id="c", content="1")),
        turn("assistant", call("c", "now")),
        turn("tool", ToolResult(call_id="c", content="2")),
    )

    assert [part["functionResponse"]["name"] for content in made[1::2] for part in content["parts"]] == ["read", "now"]


@pytest.mark.parametrize("written", ['{"a": ', "[1]", "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_shown_to_the_model_as_they_were(written: str) -> None:
    (content,) = contents(turn("assistant", call("c", arguments=written)))

    assert content["parts"][0]["functionCall"]["args"] == {"malformed_arguments": written}


def test_a_signature_goes_back_on_the_part_behind_the_thinking_to_the_provider_that_made_it() -> None:
    mine, theirs = (Thinking(text="hm", signature=name, provider=name) for name in ("google", "claude"))

    (own,) = contents(turn("assistant", mine, call("c1"), call("c2")))
    text, _ = contents(turn("assistant", replace(mine, text=""), Text(text="So.")), turn("user", Text(text="And?")))
    (foreign,) = contents(turn("assistant", theirs, call("c1")))

    assert [part.get("thoughtSignature") for part in own["parts"]] == [None, "google", None]
    assert own["parts"][0] == {"text": "hm", "thought": True}
    assert text["parts"] == [{"text": "So.", "thoughtSignature": "google"}]
    assert [part.get("thoughtSignature") for part in foreign["parts"]] == [FOREIGN_SIGNATURE]


@pytest.mark.parametrize(
    ("model", "signed"),
    [
        ("gemini-2.5-pro", False),
        ("models/gemini-1.5-pro", False),
        ("gemini-3-flash", True),
        ("gemini-flash-latest", True),
        ("gemini-20", True),
    ],
)
def test_a_call_of_another_model_is_marked_as_one_for_models_that_would_refuse_it(model: str, signed: bool) -> None:
    (content,) = body(Request(messages=(turn("assistant", call("c")),)), model)["contents"]

    assert ("thoughtSignature" in content["parts"][0]) is signed


def test_json_is_asked_for_natively_and_a_schema_with_it() -> None:
    assert body(replace(ASK, expect="json"))["generationConfig"] == {"responseMimeType": "application/json"}
    assert body(replace(ASK, schema=SCHEMA))["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }


def test_json_beside_tools_is_asked_for_in_words() -> None:
    made = body(replace(ASK, schema=SCHEMA, tools=(READ,)))

    assert "generationConfig" not in made
    assert json.dumps(SCHEMA) in made["systemInstruction"]["parts"][0]["text"]
