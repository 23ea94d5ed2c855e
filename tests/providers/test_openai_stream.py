"""Chat Completions answers as servers really write them."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Finish, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.openai_stream import ChatReader
from llmesc.providers.sse import SseEvent
from llmesc.providers.transport_error import TransportError

DONE = "[DONE]"


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}], **more}


def said(text: Any) -> dict[str, Any]:
    return chunk({"content": text})


def events(*chunks: Any) -> list[SseEvent]:
    return [SseEvent("message", each if isinstance(each, str) else json.dumps(each)) for each in chunks]


def read(*chunks: Any) -> list[Piece]:
    return list(ChatReader().read(events(*chunks)))


STOP = chunk(finish="stop")
COUNTED = {"prompt_tokens": 9, "completion_tokens": 3}
USAGE = UsagePiece(Usage(input_tokens=9, output_tokens=3))

DIALECTS: dict[str, tuple[list[Any], list[Piece]]] = {
    "a role first, usage in a chunk of its own": (
        [
            chunk({"role": "assistant", "content": ""}, usage=None),
            said("Hi"),
            said(" there"),
            STOP,
            {"choices": [], "usage": COUNTED},
            DONE,
        ],
        [TextPiece("Hi there"), Finish("stop"), USAGE],
    ),
    "usage beside the finish": ([said("Hi"), chunk(finish="stop", usage=COUNTED)], [TextPiece("Hi"), USAGE, Finish("stop")]),
    "usage in every chunk, the last counts": (
        [{**said("Hi"), "usage": {"prompt_tokens": 9, "completion_tokens": 1}}, {**STOP, "usage": COUNTED}],
        [TextPiece("Hi"), USAGE, Finish("stop")],
    ),
    "usage under x_groq": ([said("Hi"), {**STOP, "x_groq": {"usage": COUNTED}}], [TextPiece("Hi"), USAGE, Finish("stop")]),
    "usage in the choice": (
        [said("Hi"), {"choices": [{"delta": {}, "finish_reason": "stop", "usage": COUNTED}]}],
        [TextPiece("Hi"), USAGE, Finish("stop")],
    ),
    "usage with its details": (
        [
            {
                **STOP,
                "usage": {
                    **COUNTED,
                    "prompt_tokens_details": {"cached_tokens": 4},
                    "completion_tokens_details": {"reasoning_tokens": 2},
                },
            }
        ],
        [UsagePiece(Usage(input_tokens=9, output_tokens=3, cached_tokens=4, reasoning_tokens=2)), Finish("stop")],
    ),
    "a count of cache hits of its own name": (
        [{**STOP, "usage": {**COUNTED, "prompt_cache_hit_tokens": 5}}],
        [UsagePiece(Usage(input_tokens=9, output_tokens=3, cached_tokens=5)), Finish("stop")],
    ),
    "counts that are none": (
        [{**STOP, "usage": {"prompt_tokens": "many", "completion_tokens": -1, "prompt_tokens_details": 7}}],
        [UsagePiece(Usage()), Finish("stop")],
    ),
    "no [DONE]": ([said("Hi"), STOP], [TextPiece("Hi"), Finish("stop")]),
    "no finish, but [DONE]": ([said("Hi"), DONE], [TextPiece("Hi"), Finish("unknown")]),
    "the finish twice, the first counts": ([said("Hi"), chunk(finish="length"), STOP], [TextPiece("Hi"), Finish("length")]),
    "the text in the chunk that finishes": ([chunk({"content": "Hi"}, finish="stop")], [TextPiece("Hi"), Finish("stop")]),
    "filters before the first chunk": (
        [{"choices": [], "prompt_filter_results": []}, said("Hi"), STOP],
        [TextPiece("Hi"), Finish("stop")],
    ),
    "keys nobody knows": (
        [{**chunk({"content": "Hi", "p": "xx"}), "obfuscation": "y", "provider": "z"}, STOP],
        [TextPiece("Hi"), Finish("stop")],
    ),
    "no content at all": ([chunk({"content": None}), chunk({}), chunk({"content": ""}), STOP], [Finish("stop")]),
    "empty data": ([said("Hi"), "", "  ", STOP], [TextPiece("Hi"), Finish("stop")]),
    "null where a list belongs": (
        [{"choices": None}, {"choices": [None]}, {"choices": [{"delta": None}]}, STOP],
        [Finish("stop")],
    ),
    "a message where a delta belongs": ([{"choices": [{"message": {"content": "Hi"}}]}, STOP], [TextPiece("Hi"), Finish("stop")]),
    "content as a list": (
        [said([{"type": "text", "text": "Hi"}, {"type": "text", "text": " there"}]), STOP],
        [TextPiece("Hi there"), Finish("stop")],
    ),
    "thoughts in a list": (
        [said([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "Hi"}]), STOP],
        [ThinkingPiece("Hm"), TextPiece("Hi"), Finish("stop")],
    ),
    "reasoning_content": (
        [chunk({"reasoning_content": "Hm", "content": None}), chunk({"reasoning_content": "m"}), said("Hi"), STOP],
        [ThinkingPiece("Hmm"), TextPiece("Hi"), Finish("stop")],
    ),
    "reasoning": (
        [chunk({"reasoning": "Hm", "content": ""}), said("Hi"), STOP],
        [ThinkingPiece("Hm"), TextPiece("Hi"), Finish("stop")],
    ),
    "the same reasoning under both names": (
        [chunk({"reasoning": "Hm", "reasoning_content": "Hm"}), STOP],
        [ThinkingPiece("Hm"), Finish("stop")],
    ),
    "a refusal of its own name": ([chunk({"refusal": "I cannot."}), STOP], [TextPiece("I cannot."), Finish("stop")]),
    "the model's own name": ([{**said("Hi"), "model": "m-2026"}, STOP], [TextPiece("Hi"), Finish("stop", model="m-2026")]),
    "probabilities": (
        [
            {"choices": [{"delta": {"content": "Hi"}, "logprobs": {"content": [{"logprob": -1.0}, {"logprob": -3}]}}]},
            {
                "choices": [
                    {
                        "delta": {},
                        "logprobs": {"content": [{"logprob": None}, {"logprob": float("-inf")}]},
                        "finish_reason": "stop",
                    }
                ]
            },
        ],
        [TextPiece("Hi"), Finish("stop", mean_logprob=-2.0)],
    ),
    "half a character at the end of a chunk": (
        ['{"choices":[{"delta":{"content":"a\\ud83d"}}]}', '{"choices":[{"delta":{"content":"\\ude00b"}}]}', STOP],
        [TextPiece("a😀b"), Finish("stop")],
    ),
    "half a character alone": (
        ['{"choices":[{"delta":{"content":"a\\ude00b"}}]}', STOP],
        [TextPiece("a\ufffdb"), Finish("stop")],
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_read_as_what_it_means(name: str) -> None:
    chunks, expected = DIALECTS[name]

    assert read(*chunks) == expected


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_means_the_same_when_each_chunk_is_read_for_itself(name: str) -> None:
    chunks, expected = DIALECTS[name]
    reader = ChatReader()
    pieces = [piece for each in events(*chunks) for piece in reader.read([each])]

    def told(pieces: list[Piece], kind: type[TextPiece] | type[ThinkingPiece]) -> str:
        return "".join(piece.text for piece in pieces if isinstance(piece, kind))

    assert told(pieces, TextPiece) == told(expected, TextPiece)
    assert told(pieces, ThinkingPiece) == told(expected, ThinkingPiece)
    assert [piece for piece in pieces if isinstance(piece, Finish)] == [piece for piece in expected if isinstance(piece, Finish)]
    assert [piece for piece in pieces if isinstance(piece, UsagePiece)][-1:] == [
        piece for piece in expected if isinstance(piece, UsagePiece)
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("something new", "unknown"),
    ],
)
def test_every_finish_reason_has_its_meaning(said: str, meant: str) -> None:
    finish = read(chunk(finish=said))[-1]

    assert isinstance(finish, Finish)
    assert finish.reason == meant


def fragment(**function: Any) -> dict[str, Any]:
    outside = {name: function.pop(name) for name in ("id", "index") if name in function}
    return chunk({"tool_calls": [{**outside, "type": "function", "function": function}]})


CALLS_END = chunk(finish="tool_calls")
TOOL_DIALECTS: dict[str, tuple[list[Any], list[tuple[str, str, str]]]] = {
    "in fragments": (
        [
            fragment(index=0, id="c1", name="read", arguments=""),
            fragment(index=0, arguments='{"a"'),
            fragment(index=0, arguments=":1}"),
        ],
        [("c1", "read", '{"a":1}')],
    ),
    "two, interleaved": (
        [
            fragment(index=0, id="c1", name="read", arguments="["),
            fragment(index=1, id="c2", name="now", arguments="{"),
            fragment(index=0, arguments="]"),
            fragment(index=1, arguments="}"),
        ],
        [("c1", "read", "[]"), ("c2", "now", "{}")],
    ),
    "whole": ([fragment(index=0, id="c1", name="read", arguments="{}")], [("c1", "read", "{}")]),
    "whole, without an index": (
        [fragment(id="c1", name="read", arguments="{}"), fragment(id="c2", name="now", arguments="{}")],
        [("c1", "read", "{}"), ("c2", "now", "{}")],
    ),
    "whole, all counted as 0": (
        [fragment(index=0, id="c1", name="read", arguments="{}"), fragment(index=0, id="c2", name="read", arguments="[]")],
        [("c1", "read", "{}"), ("c2", "read", "[]")],
    ),
    "a new id in each fragment": (
        [fragment(index=0, id="c1", name="read", arguments="{"), fragment(index=0, id="c9", arguments="}")],
        [("c1", "read", "{}")],
    ),
    "the name in each fragment": (
        [fragment(index=0, id="c1", name="read", arguments="{"), fragment(index=0, name="read", arguments="}")],
        [("c1", "read", "{}")],
    ),
    "arguments as an object": ([fragment(index=0, id="c1", name="read", arguments={"a": "ü"})], [("c1", "read", '{"a": "ü"}')]),
    "no arguments": ([fragment(index=0, id="c1", name="now")], [("c1", "now", "{}")]),
    "no id": ([fragment(index=0, name="now", arguments="{}")], [("call_0", "now", "{}")]),
}


@pytest.mark.parametrize("name", TOOL_DIALECTS)
def test_tool_calls_are_joined_and_handed_on_whole_at_the_end(name: str) -> None:
    chunks, expected = TOOL_DIALECTS[name]
    reader = ChatReader()
    on_the_way = [list(reader.read([each])) for each in events(*chunks)]
    pieces = list(reader.read(events(CALLS_END)))

    assert on_the_way == [[Activity()]] * len(chunks)
    assert pieces == [*(ToolCallPiece(*call) for call in expected), Finish("tool_calls")]


def test_an_answer_that_calls_a_tool_has_not_stopped_whatever_the_server_says() -> None:
    assert read(fragment(index=0, id="c1", name="now"), STOP)[-1] == Finish("tool_calls")
    assert read(fragment(index=0, id="c1", name="now"), chunk(finish="length"))[-1] == Finish("length")


ERROR = {"error": {"message": "no", "code": 500}}
ERRORS: dict[str, Any] = {
    "an error object": ERROR,
    "an error text": {"error": "no"},
    "an error beside a choice": {**chunk(finish="error"), **ERROR},
    "an error beside no choices": {"choices": [], **ERROR},
    "an error in the choice": {"choices": [{"error": {"code": 502}}]},
    "a finish that is one": chunk(finish="error"),
    "a finish for want of room": chunk(finish="insufficient_system_resource"),
    "an object that says it is one": {"object": "error", "message": "no"},
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_at_any_point_ends_the_answer_behind_what_came(name: str) -> None:
    for before in ([], [said("Hi")], [said("Hi"), STOP]):
        reader = ChatReader()
        pieces: list[Piece] = []
        with pytest.raises(ServerSaidError) as caught:
            pieces.extend(read_into(pieces, reader, events(*before, ERRORS[name])))

        assert json.loads(caught.value.body) == ERRORS[name]
        assert (TextPiece("Hi") in pieces) == bool(before)


def read_into(pieces: list[Piece], reader: ChatReader, arrived: list[SseEvent]) -> list[Piece]:
    for piece in reader.read(arrived):
        pieces.append(piece)
    return []


def test_an_event_named_error_is_one_whatever_it_holds() -> None:
    with pytest.raises(ServerSaidError) as caught:
        list(ChatReader().read([SseEvent("error", "at capacity")]))

    assert caught.value.body == "at capacity"


def test_no_error_is_no_error() -> None:
    assert read({**said("Hi"), "error": None}, {**STOP, "error": {}}) == [TextPiece("Hi"), Finish("stop")]


@pytest.mark.parametrize("broken", ['{"choices": [', "Internal Server Error", "null", "17", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_json_object_is_broken(broken: str) -> None:
    with pytest.raises(TransportError) as caught:
        read(broken)

    assert caught.value.word == "bad_json"


def test_nothing_is_read_behind_done() -> None:
    reader = ChatReader()

    assert list(reader.read(events(said("Hi"), DONE, "not JSON"))) == [TextPiece("Hi"), Finish("unknown")]
    assert reader.done


WHOLE: dict[str, tuple[dict[str, Any], list[Piece]]] = {
    "usual": (
        {"model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": COUNTED},
        [TextPiece("Hi"), USAGE, Finish("stop", model="m")],
    ),
    "no choices in the list": ({"choices": []}, [Finish("unknown")]),
    "no content": ({"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}, [Finish("stop")]),
    "no finish": ({"choices": [{"message": {"content": "Hi"}}]}, [TextPiece("Hi"), Finish("unknown")]),
    "thoughts": (
        {"choices": [{"message": {"reasoning_content": "Hm", "content": "Hi"}, "finish_reason": "stop"}]},
        [ThinkingPiece("Hm"), TextPiece("Hi"), Finish("stop")],
    ),
    "a tool call": (
        {
            "choices": [
                {
                    "message": {"tool_calls": [{"id": "c1", "function": {"name": "now", "arguments": "{}"}}]},
                    "finish_reason": "tool_calls",
                }
            ]
        },
        [ToolCallPiece("c1", "now", "{}"), Finish("tool_calls")],
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_read_like_a_stream(name: str) -> None:
    body, expected = WHOLE[name]

    assert list(ChatReader().read_whole(json.dumps(body))) == expected


@pytest.mark.parametrize("body", ['{"object": "chat.completion"}', '{"detail": "Not Found"}', "[]", '"hi"', '{"choices": [', ""])
def test_a_body_without_choices_is_no_answer(body: str) -> None:
    with pytest.raises(TransportError) as caught:
        list(ChatReader().read_whole(body))

    assert (caught.value.word, caught.value.body) == ("bad_json", body)


def test_a_body_that_is_only_an_error_is_that_error() -> None:
    with pytest.raises(ServerSaidError):
        list(ChatReader().read_whole(json.dumps(ERROR)))


WORDS = st.text(alphabet=st.characters(categories=("L", "Cs")), max_size=4)  # halves of characters included
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def odd(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these keys, each holding what it should or anything at all; or anything at all in its place."""
    return st.fixed_dictionaries({}, optional={name: value | ODD for name, value in known.items()}) | ODD


FRAGMENT = odd(index=st.integers(0, 1), id=WORDS, function=odd(name=WORDS, arguments=WORDS))
PART = odd(type=st.sampled_from(["text", "thinking"]), text=WORDS, thinking=WORDS | st.lists(odd(text=WORDS), max_size=2))
DELTA = odd(content=WORDS | st.lists(PART, max_size=2), reasoning=WORDS, refusal=WORDS, tool_calls=st.lists(FRAGMENT, max_size=2))
CHOICE = odd(
    delta=DELTA, message=DELTA, finish_reason=WORDS, logprobs=odd(content=st.lists(odd(logprob=st.floats()), max_size=2))
)
CHUNK = odd(
    choices=st.lists(CHOICE, min_size=1, max_size=2),
    model=WORDS,
    usage=odd(prompt_tokens=st.integers(), prompt_tokens_details=ODD),
    x_groq=ODD,
    error=ODD,
)


@example([{"choices": [{"delta": {"tool_calls": True}}]}])
@example([{"model": "\ud800"}])
@given(st.lists(CHUNK, max_size=4))
def test_whatever_json_comes_gives_pieces_that_can_be_stored_or_one_of_two_errors(chunks: list[Any]) -> None:
    try:
        pieces = read(*chunks, STOP)
    except (ServerSaidError, TransportError):
        return

    for piece in pieces:
        for text in filter(lambda value: isinstance(value, str), astuple(piece)):
            text.encode()
        assert not isinstance(piece, TextPiece | ThinkingPiece) or piece.text
    assert sum(isinstance(piece, Finish) for piece in pieces) == 1
