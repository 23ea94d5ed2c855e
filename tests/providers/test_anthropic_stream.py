"""Answers of the Messages API as servers really write them."""

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
from llmesc.providers.anthropic_stream import MessagesReader
from llmesc.providers.sse import SseEvent
from llmesc.providers.transport_error import TransportError

PLAIN = b"""\
event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m-2026","content":[],\
"stop_reason":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":100,"cache_read_input_tokens":20,\
"cache_creation":{"ephemeral_5m_input_tokens":100},"output_tokens":1,"service_tier":"standard"}}              }

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}   }

event: ping
data: {"type": "ping"}

: a comment

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Gr\xc3\xbc\xc3\x9fe "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}

event: something_new
data: {"type":"something_new","index":0,"delta":{"text":"not this"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\xe2\x98\x95 \\ud83d\\ude00!"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"""
PLAIN_PIECES = [
    TextPiece("Grüße ☕ 😀!"),
    UsagePiece(Usage(input_tokens=129, output_tokens=15, cached_tokens=20)),
    Finish("stop", model="m-2026"),
]

TOOLS = b"""\
event: message_start
data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":9,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"files."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"eHl6"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":"Let me look."}}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"read","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\\"path\\": \\"\xc3\xa4"}}

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\\"}"}}

event: content_block_start
data: {"type":"content_block_start","index":5,"content_block":{"type":"server_tool_use","id":"srv","name":"web","input":{}}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"input_tokens":10,"output_tokens":40}}

event: message_stop
data: {"type":"message_stop"}

"""
TOOLS_PIECES = [
    ThinkingPiece("Two files."),
    ThinkingPiece("", "c2ln"),
    ThinkingPiece("", "redacted:eHl6"),
    TextPiece("Let me look."),
    ToolCallPiece("toolu_1", "read", '{"path": "ä"}'),
    ToolCallPiece("toolu_2", "now", "{}"),
    UsagePiece(Usage(input_tokens=10, output_tokens=40)),
    Finish("tool_calls", model="m"),
]
TRANSCRIPTS = {"plain": (PLAIN, PLAIN_PIECES), "tools": (TOOLS, TOOLS_PIECES)}


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_stream_means_the_same_wherever_it_is_cut_into_reads(meant: Any, cuts: Any, name: str, line_end: bytes) -> None:
    transcript, expected = TRANSCRIPTS[name]
    for reads in cuts(transcript.replace(b"\n", line_end)):
        assert meant(MessagesReader(), reads) == expected


def read(*events: dict[str, Any]) -> list[Piece]:
    return list(MessagesReader().read(SseEvent("message", json.dumps(event)) for event in events))


def block(**content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": content}


def end(reason: Any = "end_turn", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, **more}, {"type": "message_stop"}


def test_what_comes_in_one_read_is_one_piece() -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}

    assert read(delta, delta, delta) == [TextPiece("aaa")]


def test_a_fragment_of_a_call_is_a_sign_of_life_and_a_ping_is_none() -> None:
    assert read(block(type="tool_use", id="c", name="now", input={})) == [Activity()]
    assert read({"type": "ping"}, {"type": "message_start", "message": {}}, block(type="text", text="")) == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "unknown"),
        ("something new", "unknown"),
        (None, "unknown"),
    ],
)
def test_every_stop_reason_has_its_meaning(said: str | None, meant: FinishReason) -> None:
    assert read(*end(said)) == [Finish(meant)]


def test_the_tokens_of_the_prompt_are_known_from_the_start_and_those_of_the_answer_from_the_end() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}

    assert read(start) == [UsagePiece(Usage(input_tokens=9))]
    assert read(start, *end(usage={"output_tokens": None, "input_tokens": True})) == [
        UsagePiece(Usage(input_tokens=9)),
        Finish("stop"),
    ]


def test_a_call_whose_input_comes_at_once_is_a_call() -> None:
    pieces = read(block(type="tool_use", id="c", name="read", input={"path": "ä"}), *end("tool_use"))

    assert pieces == [ToolCallPiece("c", "read", '{"path": "ä"}'), Finish("tool_calls")]


@pytest.mark.parametrize("before", [[], [block(type="text", text="Hi")]])
@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        {"error": {"message": "no"}},
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "cyber"}}},
    ],
)
def test_an_error_or_a_refusal_ends_the_answer_behind_what_came(before: list[dict[str, Any]], error: dict[str, Any]) -> None:
    pieces: list[Piece] = []
    with pytest.raises(ServerSaidError) as caught:
        for piece in MessagesReader().read(SseEvent("message", json.dumps(event)) for event in [*before, error]):
            pieces.append(piece)

    assert json.loads(caught.value.body) == error
    assert pieces == ([TextPiece("Hi")] if before else [])


def test_only_message_stop_ends_a_stream() -> None:
    reader = MessagesReader()
    events = [*map(json.dumps, (block(type="text", text="Hi"), end()[0])), "[DONE]"]
    pieces = list(reader.read(SseEvent("message", data) for data in events))

    assert pieces == [TextPiece("Hi")]
    assert (reader.finished, reader.done) == (False, False)


def whole(**answer: Any) -> list[Piece]:
    return list(MessagesReader().read_whole(json.dumps(answer)))


def test_a_whole_answer_is_read_like_a_stream() -> None:
    assert whole(
        type="message",
        model="m",
        content=[
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "Hi"},
            {"type": "text", "text": " there"},
            {"type": "tool_use", "id": "c1", "name": "now", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "read", "input": {"path": "ä"}},
            None,
        ],
        stop_reason="tool_use",
        usage={"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 3},
    ) == [
        ThinkingPiece("Hm"),
        ThinkingPiece("", "sig"),
        ThinkingPiece("", "redacted:xyz"),
        TextPiece("Hi there"),
        ToolCallPiece("c1", "now", "{}"),
        ToolCallPiece("c2", "read", '{"path": "ä"}'),
        UsagePiece(Usage(input_tokens=13, output_tokens=3, cached_tokens=4)),
        Finish("tool_calls", model="m"),
    ]


def test_a_whole_answer_may_be_empty_but_not_missing() -> None:
    assert whole(content=[], stop_reason="end_turn") == [Finish("stop")]
    for body in ({"type": "message"}, {"content": "Hi"}, {"detail": "Not Found"}):
        with pytest.raises(TransportError) as caught:
            whole(**body)
        assert caught.value.word == "bad_json"


@pytest.mark.parametrize("answer", [{"type": "error", "error": {"type": "api_error"}}, {"content": [], "stop_reason": "refusal"}])
def test_a_whole_answer_may_be_an_error_or_a_refusal(answer: dict[str, Any]) -> None:
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


TYPES = [
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "text_delta",
    "thinking_delta",
    "signature_delta",
    "input_json_delta",
]
CONTENT = odd(
    type=st.sampled_from(TYPES),
    **dict.fromkeys(("text", "thinking", "signature", "data", "id", "name", "partial_json", "stop_reason"), WORDS),
    input=ODD,
)
USAGE = odd(input_tokens=st.integers(), cache_read_input_tokens=st.integers(), output_tokens=st.integers())
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta", "ping"]) | ODD},
    optional={
        "index": st.integers(0, 1) | ODD,
        "content_block": CONTENT,
        "delta": CONTENT,
        "message": odd(model=WORDS, usage=USAGE),
        "usage": USAGE,
        "error": ODD,
    },
)


@given(st.lists(EVENT, max_size=4))
def test_whatever_json_comes_gives_pieces_that_can_be_stored_or_one_of_two_errors(events: list[Any]) -> None:
    try:
        pieces = read(*events, *end())
    except (ServerSaidError, TransportError):
        return

    for piece in pieces:
        for text in filter(lambda value: isinstance(value, str), astuple(piece)):
            text.encode()
        assert not isinstance(piece, TextPiece) or piece.text
    assert sum(isinstance(piece, Finish) for piece in pieces) == 1
