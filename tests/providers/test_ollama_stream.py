"""Ollama's answers as bytes, cut wherever a network may cut them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Finish, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.ndjson import LineDecoder
from llmesc.providers.ollama_stream import OllamaReader
from llmesc.providers.transport_error import TransportError


def line(content: Any = "", **message: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": content, **message}, "done": False}


def done(reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    return line() | {"done": True, "done_reason": reason, "total_duration": 9, **more}


def ndjson(*lines: Any, end: str = "\n") -> bytes:
    return "".join(json.dumps(each, ensure_ascii=False) + end for each in lines).encode()


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {**more, "function": {"index": 0, "name": name, "arguments": arguments}}


COUNTED = {"prompt_eval_count": 9, "eval_count": 3}
USAGE = UsagePiece(Usage(input_tokens=9, output_tokens=3))
TRANSCRIPTS: dict[str, tuple[bytes, list[Piece]]] = {
    "text": (
        ndjson(line("Grüße, "), line("W😀lt\u2028!"), done(**COUNTED)),
        [TextPiece("Grüße, W😀lt\u2028!"), USAGE, Finish("stop", model="m")],
    ),
    "thinking": (
        ndjson(line(thinking="H"), line(thinking="m"), line("Hi"), done()),
        [ThinkingPiece("Hm"), TextPiece("Hi"), Finish("stop", model="m")],
    ),
    "calls with arguments as objects, one with an id": (
        ndjson(line(tool_calls=[call("read", {"path": "ä"}), call("now", {}, id="call_x")]), done(**COUNTED)),
        [
            ToolCallPiece("call_0", "read", '{"path": "ä"}'),
            ToolCallPiece("call_x", "now", "{}"),
            USAGE,
            Finish("tool_calls", model="m"),
        ],
    ),
    "the whole prompt was cached": (
        ndjson(line("Hi"), done(eval_count=3)),
        [TextPiece("Hi"), UsagePiece(Usage(output_tokens=3)), Finish("stop", model="m")],
    ),
    "cut by its limit": (ndjson(line("Hi"), done("length")), [TextPiece("Hi"), Finish("length", model="m")]),
    "loaded and asked nothing": (ndjson(done("load")), [Finish("unknown", model="m")]),
    "an old server, which gives no reason": (ndjson(line("Hi"), done(None)), [TextPiece("Hi"), Finish("unknown", model="m")]),
    "probabilities": (
        ndjson(
            line("Hi") | {"logprobs": [{"token": "Hi", "logprob": -1.0}, {"logprob": None}]}, done(logprobs=[{"logprob": -3}])
        ),
        [TextPiece("Hi"), Finish("stop", model="m", mean_logprob=-2.0)],
    ),
    "CR LF, blank lines, no line end behind the last": (
        ndjson(line("Hi"), end="\r\n\r\n") + ndjson(done(), end=""),
        [TextPiece("Hi"), Finish("stop", model="m")],
    ),
    "nonsense around it": (
        ndjson({}, {"message": None}, {"message": {"tool_calls": 7}, "done": "no"}, line(None), line("Hi", x=1), done()),
        [TextPiece("Hi"), Finish("stop", model="m")],
    ),
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_means_the_same_at_every_split_and_byte_by_byte(meant: Any, name: str) -> None:
    data, expected = TRANSCRIPTS[name]

    assert meant(OllamaReader(), [data], LineDecoder()) == expected
    assert meant(OllamaReader(), (data[at : at + 1] for at in range(len(data))), LineDecoder()) == expected
    for at in range(1, len(data)):
        assert meant(OllamaReader(), (data[:at], data[at:]), LineDecoder()) == expected


def test_text_that_arrives_in_one_read_is_one_piece() -> None:
    arrived = LineDecoder().feed(ndjson(line("a"), line("b"), line("c"), done()))

    assert list(OllamaReader().read(arrived)) == [TextPiece("abc"), Finish("stop", model="m")]


def test_an_answer_that_was_not_streamed_is_one_document_however_it_is_laid_out() -> None:
    body = json.dumps(done(**COUNTED) | {"message": {"content": "Hi"}}, indent=2)

    assert list(OllamaReader().read_whole(body)) == [TextPiece("Hi"), USAGE, Finish("stop", model="m")]


@pytest.mark.parametrize("before", [[], [line("Hi")]])
@pytest.mark.parametrize("error", [{"error": "model runner has unexpectedly stopped"}, {"error": {"message": "no"}}])
def test_an_error_line_ends_the_answer_behind_what_came(before: list[Any], error: dict[str, Any]) -> None:
    pieces: list[Piece] = []
    with pytest.raises(ServerSaidError) as caught:
        for piece in OllamaReader().read(LineDecoder().feed(ndjson(*before, error, done()))):
            pieces.append(piece)

    assert json.loads(caught.value.body) == error
    assert pieces == [TextPiece("Hi")] * len(before)


@pytest.mark.parametrize(
    ("body", "word"),
    [("{}", "no_terminal_sign"), (json.dumps(line("Hi")), "no_terminal_sign"), ('{"message": ', "bad_json"), ("[]", "bad_json")],
)
def test_a_whole_answer_that_is_not_done_is_none(body: str, word: str) -> None:
    with pytest.raises(TransportError) as caught:
        list(OllamaReader().read_whole(body))

    assert caught.value.word == word


@pytest.mark.parametrize("broken", ["Internal Server Error", '{"message": ', "7", "[" * 100_000])
def test_a_line_that_is_no_object_is_broken(broken: str) -> None:
    with pytest.raises(TransportError) as caught:
        list(OllamaReader().read(LineDecoder().feed(broken.encode() + b"\n")))

    assert caught.value.word == "bad_json"


def test_a_line_that_the_end_cut_off_is_dropped_so_that_the_missing_end_is_what_is_told() -> None:
    decoder = LineDecoder()
    decoder.feed(ndjson(line("Hi"), done())[:-4])

    assert decoder.end() == []


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_line_longer_than_the_bound_is_refused_whether_it_ends_or_not(size: int) -> None:
    for data in (b"x" * 101, b"x" * 101 + b"\n"):
        decoder = LineDecoder(max_line_bytes=100)
        with pytest.raises(TransportError) as caught:
            for at in range(0, len(data), size):
                decoder.feed(data[at : at + size])

        assert caught.value.word == "too_long"


def test_many_short_lines_may_be_longer_than_the_bound() -> None:
    assert len(LineDecoder(max_line_bytes=10).feed(b"123456789\n" * 50)) == 50
