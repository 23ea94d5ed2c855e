"""Answers of the Responses API as servers really write them."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Finish, FinishReason, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.responses_stream import ResponsesReader
from llmesc.providers.sse import SseEvent
from llmesc.providers.transport_error import TransportError

PLAIN = b"""\
event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","error":null,"output":[]}}

: OPENROUTER PROCESSING

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","item_id":"msg_1","part":{"type":"output_text","text":""}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"Gr\xc3\xbc\xc3\x9fe ",\
"logprobs":[{"logprob":-1.0}],"obfuscation":"xx"}

event: response.output_text.annotation.added
data: {"type":"response.output_text.annotation.added","annotation":{}}

event: response.something_new
data: {"type":"response.something_new","delta":"not this"}

event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"\xe2\x98\x95 \\ud83d\\ude00!","logprobs":[{"logprob":-3}]}

event: response.output_text.done
data: {"type":"response.output_text.done","text":"Gr\xc3\xbc\xc3\x9fe \xe2\x98\x95 \\ud83d\\ude00!"}

event: response.output_item.done
data: {"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"Gr..."}]}}

event: response.completed
data: {"type":"response.completed","response":{"status":"completed","model":"m-2026","error":null,"output":[{"type":"message",\
"content":[{"type":"output_text","text":"Gr..."}]}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},\
"output_tokens":15,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":24}}}

data: [DONE]

"""
PLAIN_PIECES = [
    TextPiece("Grüße ☕ 😀!"),
    UsagePiece(Usage(input_tokens=9, output_tokens=15, cached_tokens=4, reasoning_tokens=2)),
    Finish("stop", model="m-2026", mean_logprob=-2.0),
]

TOOLS = b"""\
event: response.output_item.added
data: {"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}

event: response.reasoning_summary_part.added
data: {"type":"response.reasoning_summary_part.added","item_id":"rs_1","summary_index":0,"part":{"type":"summary_text","text":""}}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","item_id":"rs_1","summary_index":0,"delta":"Two "}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","item_id":"rs_1","summary_index":0,"delta":"files."}

event: response.reasoning_summary_part.added
data: {"type":"response.reasoning_summary_part.added","item_id":"rs_1","summary_index":1,"part":{"type":"summary_text","text":""}}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","item_id":"rs_1","summary_index":1,"delta":"Read them."}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":0,"item":\
{"type":"reasoning","encrypted_content":"c2VhbA==","summary":[]}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":1,"item":\
{"type":"function_call","id":"fc_1","call_id":"c1","name":"read"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\\"path\\": "}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":2,"item":\
{"type":"function_call","id":"fc_2","call_id":"c2","name":"now"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"\\"\xc3\xa4\\"}"}

event: response.function_call_arguments.done
data: {"type":"response.function_call_arguments.done","item_id":"fc_1","arguments":"{\\"path\\": \\"\xc3\xa4\\"}"}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":1,"item":\
{"type":"function_call","id":"fc_1","call_id":"c1","name":"read",\
"arguments":"{\\"path\\": \\"\xc3\xa4\\"}"}}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":2,"item":\
{"type":"function_call","id":"fc_2","call_id":"c2","name":"now",\
"arguments":""}}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":3,"item":{"type":"mcp_call","error":{"message":"a tool's own"}}}

event: response.completed
data: {"type":"response.completed","response":{"status":"completed","output":[\
{"type":"reasoning","encrypted_content":"c2VhbA=="},\
{"type":"function_call","call_id":"c1","name":"read","arguments":"{}"}],"usage":{"input_tokens":9,"output_tokens":40}}}

"""
TOOLS_PIECES = [
    ThinkingPiece("Two files.\n\nRead them."),
    ThinkingPiece("", "c2VhbA=="),
    ToolCallPiece("c1", "read", '{"path": "ä"}'),
    ToolCallPiece("c2", "now", "{}"),
    UsagePiece(Usage(input_tokens=9, output_tokens=40)),
    Finish("tool_calls"),
]
TRANSCRIPTS = {"plain": (PLAIN, PLAIN_PIECES), "tools": (TOOLS, TOOLS_PIECES)}


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_stream_means_the_same_wherever_it_is_cut_into_reads(meant: Any, cuts: Any, name: str, line_end: bytes) -> None:
    transcript, expected = TRANSCRIPTS[name]
    for reads in cuts(transcript.replace(b"\n", line_end)):
        assert meant(ResponsesReader(), reads) == expected


def read(*events: dict[str, Any]) -> list[Piece]:
    return list(ResponsesReader().read(SseEvent("message", json.dumps(event)) for event in events))


def delta(text: Any, of: str = "output_text") -> dict[str, Any]:
    return {"type": f"response.{of}.delta", "delta": text}


def ended(status: str = "completed", **response: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"status": status, **response}}


MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}, {"type": "output_text", "text": " there"}]}
CALL = {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"}


def test_what_comes_in_one_read_is_one_piece() -> None:
    assert read(delta("a"), delta("a"), delta("a")) == [TextPiece("aaa")]


def test_a_fragment_of_a_call_is_a_sign_of_life_and_a_progress_report_is_none() -> None:
    assert read(delta('{"a', "function_call_arguments")) == [Activity()]
    assert read({"type": "response.web_search_call.searching", "item_id": "ws_1"}) == [Activity()]
    assert read(delta("import", "code_interpreter_call_code")) == [Activity()]
    assert read({"type": "response.created", "response": {"output": [MESSAGE]}}, {"type": "response.in_progress"}) == []


def test_reasoning_of_open_models_is_thinking_and_a_refusal_is_what_was_said() -> None:
    assert read(delta("Hm", "reasoning_text"), delta("I cannot.", "refusal")) == [ThinkingPiece("Hm"), TextPiece("I cannot.")]


def test_what_was_not_streamed_is_read_in_the_last_event() -> None:
    assert read(ended(output=[MESSAGE, CALL])) == [
        TextPiece("Hi there"),
        ToolCallPiece("c1", "now", "{}"),
        Finish("tool_calls"),
    ]
    assert read(delta(""), ended(output=[MESSAGE])) == [TextPiece("Hi there"), Finish("stop")]
    assert read(delta("Hi"), ended(output=[MESSAGE, CALL])) == [
        TextPiece("Hi"),
        ToolCallPiece("c1", "now", "{}"),
        Finish("tool_calls"),
    ]


def test_two_calls_of_which_one_has_no_id_are_two() -> None:
    nameless = {key: value for key, value in CALL.items() if key != "call_id"}

    assert read(ended(output=[CALL, nameless]))[:2] == [ToolCallPiece("c1", "now", "{}"), ToolCallPiece("call_1", "now", "{}")]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (ended(), "stop"),
        (ended("incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (ended("incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
        (ended("incomplete", incomplete_details=None), "unknown"),
    ],
)
def test_every_end_has_its_meaning(event: dict[str, Any], reason: FinishReason) -> None:
    assert read(delta("Hi"), event) == [TextPiece("Hi"), Finish(reason)]


FAILURE = {"code": "insufficient_quota", "message": "no credit"}
ERRORS: dict[str, dict[str, Any]] = {
    "flat": {"type": "error", **FAILURE, "param": None},
    "nested": {"type": "error", "error": FAILURE},
    "failed": ended("failed", error=FAILURE),
    "an error in what says it is complete": ended(error=FAILURE),
    "an error without an event": {"error": FAILURE},
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_at_any_point_ends_the_answer_behind_what_came(name: str) -> None:
    pieces: list[Piece] = []
    with pytest.raises(ServerSaidError) as caught:
        for piece in ResponsesReader().read(SseEvent("message", json.dumps(event)) for event in (delta("Hi"), ERRORS[name])):
            pieces.append(piece)

    assert "insufficient_quota" in caught.value.body
    assert pieces == [TextPiece("Hi")]


def test_a_failure_without_a_word_is_one_all_the_same() -> None:
    with pytest.raises(ServerSaidError) as caught:
        read(ended("failed"))

    assert "error" in json.loads(caught.value.body)


def test_only_its_own_last_events_end_a_stream() -> None:
    reader = ResponsesReader()
    events = [json.dumps(delta("Hi")), json.dumps({"type": "response.output_item.done", "item": MESSAGE}), "[DONE]"]
    pieces = list(reader.read(SseEvent("message", data) for data in events))

    assert pieces == [TextPiece("Hi")]
    assert (reader.finished, reader.done) == (False, False)


def whole(**answer: Any) -> list[Piece]:
    return list(ResponsesReader().read_whole(json.dumps(answer)))


def test_a_whole_answer_is_read_like_a_stream() -> None:
    parts = [{"type": "summary_text", "text": "Two files."}, {"type": "summary_text", "text": "Read them."}]

    assert whole(
        status="completed",
        model="m",
        error=None,
        output=[{"type": "reasoning", "summary": parts, "encrypted_content": "seal"}, MESSAGE, CALL, None],
        usage={"input_tokens": 9, "output_tokens": 3},
    ) == [
        ThinkingPiece("Two files.\n\nRead them."),
        ThinkingPiece("", "seal"),
        TextPiece("Hi there"),
        ToolCallPiece("c1", "now", "{}"),
        UsagePiece(Usage(input_tokens=9, output_tokens=3)),
        Finish("tool_calls", model="m"),
    ]
    assert whole(status="incomplete", incomplete_details={"reason": "max_output_tokens"}, output=[MESSAGE])[-1] == Finish(
        "length"
    )
    assert whole(output=[{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]) == [
        TextPiece("No."),
        Finish("stop"),
    ]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"object": "response"}, "bad_json"),
        ({"output": "Hi"}, "bad_json"),
        ({"status": "in_progress", "output": []}, "no_terminal_sign"),
        ({"status": "cancelled", "output": []}, "no_terminal_sign"),
    ],
)
def test_a_whole_answer_that_is_none_or_not_at_its_end_is_broken(answer: dict[str, Any], word: str) -> None:
    with pytest.raises(TransportError) as caught:
        whole(**answer)

    assert caught.value.word == word


@pytest.mark.parametrize("answer", [{"error": FAILURE}, {"status": "failed", "error": FAILURE, "output": []}])
def test_a_whole_answer_may_be_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(ServerSaidError):
        whole(**answer)


WORDS = st.text(alphabet=st.characters(categories=("L", "Cs")), max_size=4)  # halves of characters included
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def odd(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these keys, each holding what it should or anything at all; or anything at all in its place."""
    return st.fixed_dictionaries({}, optional={name: value | ODD for name, value in known.items()}) | ODD


PART = odd(text=WORDS, refusal=WORDS, logprobs=st.lists(odd(logprob=st.floats()), max_size=2))
ITEM = odd(
    type=st.sampled_from(["message", "reasoning", "function_call"]),
    **dict.fromkeys(("id", "call_id", "name", "arguments", "encrypted_content"), WORDS),
    content=st.lists(PART, max_size=2),
    summary=st.lists(PART, max_size=2),
)
USAGE = odd(input_tokens=st.integers(), input_tokens_details=odd(cached_tokens=st.integers()), output_tokens=st.integers())
KINDS = ["output_text.delta", "reasoning_text.delta", "reasoning_summary_part.added", "output_item.done", "completed", "failed"]
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from([f"response.{kind}" for kind in KINDS]) | ODD},
    optional={
        "delta": WORDS | ODD,
        "summary_index": st.integers(0, 1) | ODD,
        "item": ITEM,
        "logprobs": st.lists(odd(logprob=st.floats()), max_size=2) | ODD,
        "response": odd(model=WORDS, output=st.lists(ITEM, max_size=2), usage=USAGE, incomplete_details=ODD, error=ODD),
        "error": ODD,
    },
)


@given(st.lists(EVENT, max_size=4))
def test_whatever_json_comes_gives_pieces_that_can_be_stored_or_one_of_two_errors(events: list[Any]) -> None:
    try:
        pieces = read(*events, ended())
    except (ServerSaidError, TransportError):
        return

    for piece in pieces:
        for text in filter(lambda value: isinstance(value, str), astuple(piece)):
            text.encode()
        assert not isinstance(piece, TextPiece) or piece.text
    assert sum(isinstance(piece, Finish) for piece in pieces) == 1
