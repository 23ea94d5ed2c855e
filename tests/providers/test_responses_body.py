"""What is read of a request body of the Responses API, and what of it no other wire can carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.codec import decode, encode
from llmesc.escalation.messages import Image, Message, Part, Request, Role, Text, ToolCall, ToolResult, ToolSpec
from llmesc.escalation.resolution import CircuitKey, Offering, Resolution, Tier
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.gemini_request import gemini_body
from llmesc.providers.ollama_request import ollama_body
from llmesc.providers.openai_request import chat_body
from llmesc.providers.preflight import preflight
from llmesc.providers.responses_body import request_of
from llmesc.providers.responses_request import responses_body

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def turn(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def obstacles(**body: Any) -> tuple[str, ...]:
    given = request_of({"input": "hi", **body}).responses_body
    assert given is not None
    return given.obstacles


def left_out(**body: Any) -> tuple[str, ...]:
    given = request_of({"input": "hi", **body}).responses_body
    assert given is not None
    assert given.obstacles == ()
    return given.left_out


def test_a_text_is_what_the_user_says_and_the_instructions_stand_before_it() -> None:
    request = request_of({"input": "hi", "instructions": "Be short.", "model": "gpt-5", "store": False})

    assert request.messages == (turn("system", Text(text="Be short.")), turn("user", Text(text="hi")))
    assert request.responses_body is not None
    assert request.responses_body.content["model"] == "gpt-5"


CALL = {"type": "function_call", "id": "fc", "call_id": "c1", "name": "now", "arguments": "{}", "status": "completed"}
SAID = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}

CONVERSATIONS: dict[str, tuple[list[Any], tuple[Message, ...]]] = {
    "roles": (
        [{"role": "developer", "content": "a"}, {"type": "message", "role": "system", "content": "b"}, user(), user()],
        (turn("system", Text(text="a")), turn("system", Text(text="b"))),
    ),
    "parts": (
        [
            user(
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://host.test/a.png", "detail": "auto"},
                {"type": "input_text", "text": "b"},
            )
        ],
        (turn("user", Text(text="a"), Image(url="https://host.test/a.png"), Text(text="b")),),
    ),
    "each of the user's is a turn": (
        [user({"type": "input_text", "text": "a"}), user({"type": "input_text", "text": "b"})],
        (turn("user", Text(text="a")), turn("user", Text(text="b"))),
    ),
    "an answer that came back": ([SAID], (turn("assistant", Text(text="Hi")),)),
    "a refusal that came back": (
        [{**SAID, "content": [{"type": "refusal", "refusal": "No."}]}],
        (turn("assistant", Text(text="No.")),),
    ),
    "two answers are two": ([SAID, SAID], (turn("assistant", Text(text="Hi")), turn("assistant", Text(text="Hi")))),
    "calls of one answer are one turn, and so are their results": (
        [
            SAID,
            CALL,
            {**CALL, "call_id": "c2"},
            {"type": "function_call_output", "call_id": "c1", "output": "noon"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "one"}]},
            CALL,
        ],
        (
            turn(
                "assistant",
                Text(text="Hi"),
                ToolCall(call_id="c1", name="now", arguments="{}"),
                ToolCall(call_id="c2", name="now", arguments="{}"),
            ),
            turn("tool", ToolResult(call_id="c1", content="noon"), ToolResult(call_id="c2", content="one")),
            turn("assistant", ToolCall(call_id="c1", name="now", arguments="{}")),
        ),
    ),
}


@pytest.mark.parametrize(("items", "messages"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_items_become_turns(items: list[Any], messages: tuple[Message, ...]) -> None:
    request = request_of({"input": items})

    assert request.messages == messages
    assert request.responses_body is not None
    assert request.responses_body.obstacles == ()


def test_what_the_message_model_has_a_place_for_is_read() -> None:
    tool = {"type": "function", "name": "now", "description": "The time.", "parameters": SCHEMA, "strict": True}

    request = request_of(
        {
            "input": "hi",
            "max_output_tokens": 64,
            "temperature": 0,
            "tools": [tool, {"type": "function", "name": "bare", "parameters": None}],
            "tool_choice": "auto",
            "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
        }
    )

    assert (request.max_output_tokens, request.temperature) == (64, 0)
    assert request.tools == (
        ToolSpec(name="now", description="The time.", parameters=SCHEMA),
        ToolSpec(name="bare", description="", parameters={"type": "object", "properties": {}}),
    )
    assert (request.wants_json, request.schema) == (True, SCHEMA)
    assert request.responses_body is not None
    assert request.responses_body.left_out == request.responses_body.obstacles == ()


def test_json_of_any_shape_is_wanted_by_its_format_and_text_by_none() -> None:
    assert request_of({"input": "hi", "text": {"format": {"type": "json_object"}}}).wants_json
    assert not request_of({"input": "hi", "text": {"format": {"type": "text"}, "verbosity": "medium"}}).wants_json


def test_tools_that_must_not_be_called_are_not_offered() -> None:
    tools = [{"type": "function", "name": "now"}]

    assert request_of({"tool_choice": "none", "input": "hi", "tools": tools}).tools == ()


OBSTACLES: dict[str, dict[str, Any]] = {
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": {"id": "conv_1"}},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "background": {"background": True},
    "context_management": {"context_management": [{"type": "compaction"}]},
    "a_field_nobody_knows": {"a_field_nobody_knows": 1},
    "the tool web_search": {"tools": [{"type": "web_search"}, {"type": "function", "name": "now"}]},
    "the tool custom": {"tools": [{"type": "custom", "name": "sql"}]},
    "the tool None": {"tools": ["now"]},
    "tools": {"tools": "now"},
    "tool_choice required": {"tool_choice": "required"},
    "tool_choice function": {"tool_choice": {"type": "function", "name": "now"}},
    "the format grammar": {"text": {"format": {"type": "grammar"}}},
    "the format json_schema": {"text": {"format": {"type": "json_schema", "name": "n"}}},
    "item_reference": {"input": [{"id": "msg_1"}]},
    "web_search_call": {"input": [{"type": "web_search_call", "id": "ws_1"}]},
    "compaction": {"input": [{"type": "compaction", "encrypted_content": "x"}]},
    "input_file by its file_id": {"input": [user({"type": "input_file", "file_id": "file_1"})]},
    "input_file": {"input": [user({"type": "input_file", "file_data": "data:application/pdf;base64,aGk="})]},
    "input_audio": {"input": [user({"type": "input_audio", "input_audio": {}})]},
    "input_image by its file_id": {"input": [user({"type": "input_image", "file_id": "file_1"})]},
    "a part without a type": {"input": [user("hi")]},
    "input_image in a function_call_output": {
        "input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "data:"}]}]
    },
    "a function_call without call_id, name or arguments": {"input": [{**CALL, "arguments": {}}]},
    "a message of the role critic": {"input": [{"role": "critic", "content": "no"}]},
    "content that is neither text nor a list": {"input": [{"role": "user", "content": 5}]},
    "input": {"input": 5},
    "max_output_tokens": {"max_output_tokens": "many"},
    "temperature": {"temperature": "hot"},
    "instructions": {"instructions": [{"role": "user", "content": "hi"}]},
}


@pytest.mark.parametrize(("name", "body"), OBSTACLES.items(), ids=OBSTACLES)
def test_what_no_other_wire_carries_is_named(name: str, body: dict[str, Any]) -> None:
    assert obstacles(**body) == (name,)


def test_a_name_that_goes_on_and_on_is_cut() -> None:
    (name,) = obstacles(**{"x" * 500: 1})
    assert len(name) == 80


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"reasoning": {"effort": "high"}, "top_p": 0.5}, ("reasoning", "top_p")),
        ({"parallel_tool_calls": False, "truncation": "auto"}, ("parallel_tool_calls", "truncation")),
        ({"text": {"verbosity": "low"}}, ("verbosity",)),
        ({"input": [{"type": "reasoning", "summary": []}, {"role": "user", "content": "hi"}]}, ("reasoning items",)),
        ({"input": [user({"type": "input_image", "image_url": "data:", "detail": "high"})]}, ("the detail of images",)),
        # What is as it would be anyway, and what is between the caller and the provider.
        ({"parallel_tool_calls": True, "truncation": "disabled", "background": False, "top_logprobs": 0, "top_p": None}, ()),
        ({"reasoning": {"effort": None, "summary": None}, "previous_response_id": None, "tools": [], "text": {}}, ()),
        ({"model": "m", "stream": True, "store": True, "metadata": {"a": "b"}, "user": "u", "service_tier": "flex"}, ()),
        ({"include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "safety_identifier": "s"}, ()),
    ],
)
def test_what_only_tunes_is_left_out_and_named_and_the_rest_is_not_worth_a_word(body: dict[str, Any], names: Any) -> None:
    assert left_out(**body) == names


@pytest.mark.parametrize("body", [{}, {"input": ""}, {"input": []}, {"input": None, "instructions": "Be short."}])
def test_a_body_that_asks_nothing_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no input"):
        request_of(body)


def test_a_conversation_kept_at_the_provider_needs_no_input() -> None:
    assert request_of({"previous_response_id": "resp_1"}).messages == ()


def test_halves_of_characters_do_not_leave_the_body() -> None:
    request = request_of({"input": "a \ud800 b", "instructions": "\ud800"})

    assert request.prompt == "a \ufffd b"
    assert request.responses_body is not None
    assert request.responses_body.content["input"] == "a \ud800 b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(("message", "function_call", "function_call_output", "reasoning", "input_text", "input_image", "refusal"))
THINGS = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS | JSON,
        "role": st.sampled_from(("user", "assistant", "system", "tool")) | JSON,
        "content": st.lists(st.fixed_dictionaries({}, optional={"type": KINDS, "text": JSON, "image_url": JSON})) | JSON,
        "call_id": JSON,
        "name": JSON,
        "arguments": JSON,
        "output": JSON,
    },
)
BODIES = st.fixed_dictionaries(
    {"input": st.lists(THINGS, min_size=1, max_size=4)},
    optional={
        "tools": st.lists(st.fixed_dictionaries({}, optional={"type": st.just("function") | JSON, "name": JSON})) | JSON,
        "text": st.fixed_dictionaries({}, optional={"format": JSON, "verbosity": JSON}) | JSON,
        "tool_choice": JSON,
        "temperature": JSON,
        "max_output_tokens": JSON,
        "instructions": JSON,
        "anything": JSON,
    },
)


@given(body=BODIES)
@settings(max_examples=150, deadline=None)
def test_whatever_a_body_holds_it_goes_as_it_is_and_every_wire_can_write_what_was_read(body: dict[str, Any]) -> None:
    request = request_of(body)

    assert decode(Request, json.loads(json.dumps(encode(request)))) == request
    assert responses_body(request, "m", CircuitKey("p"), {}) == {**body, "model": "m", "stream": True}
    there = Resolution(tier=Tier.CLOUD, provider="p", model="m", offering=Offering(offering_id="o"))
    assert preflight("openai-responses", there, request).obstacle == ""
    if not preflight("ollama", there, request).obstacle:
        json.dumps(ollama_body(request, "m", "p", {}, None))
    json.dumps([chat_body(request, "m", {}, ""), messages_body(request, there, {}), gemini_body(request, "m", "p", {})])
