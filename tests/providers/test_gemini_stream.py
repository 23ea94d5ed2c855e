"""Gemini's answers as bytes, cut wherever a network may cut them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.failures import CallFailed, FailureKind
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Finish, Opened, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.classify import Evidence, classify
from llmesc.providers.gemini_stream import GeminiReader
from llmesc.providers.sse import SseDecoder
from llmesc.providers.transport_error import TransportError


def chunk(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\r\n\r\n" for each in chunks)


def counts(prompt: int, answer: int, **more: int) -> dict[str, int]:
    return {"promptTokenCount": prompt, "candidatesTokenCount": answer, **more}


TRANSCRIPTS: dict[str, tuple[bytes, list[Piece]]] = {
    "text": (
        sse(
            chunk(text("Grüße, "), usageMetadata=counts(4, 1), modelVersion="gemini-x", responseId="r-1"),
            chunk(text("W😀lt\u2028!"), usageMetadata=counts(4, 3), modelVersion="gemini-x", responseId="r-1"),
            chunk(text(""), finish="STOP", usageMetadata=counts(4, 3), modelVersion="gemini-x", responseId="r-1"),
        ),
        [
            Opened("r-1"),
            TextPiece("Grüße, W😀lt\u2028!"),
            UsagePiece(Usage(input_tokens=4, output_tokens=3)),
            Finish("stop", model="gemini-x"),
        ],
    ),
    "thoughts, their signature, calls": (
        sse(
            chunk({"text": "I should ", "thought": True}),
            chunk({"text": "look.", "thought": True}, usageMetadata=counts(103, 0, thoughtsTokenCount=43)),
            chunk({"functionCall": {"name": "read", "args": {"path": "ä"}}, "thoughtSignature": "c2ln"}),
            chunk({"functionCall": {"name": "now"}}),
            chunk(
                finish="STOP",
                usageMetadata=counts(103, 30, thoughtsTokenCount=43, cachedContentTokenCount=90, totalTokenCount=176),
            ),
        ),
        [
            ThinkingPiece("I should look."),
            ThinkingPiece("", "c2ln"),
            ToolCallPiece("call_0", "read", '{"path": "ä"}'),
            ToolCallPiece("call_1", "now", "{}"),
            UsagePiece(Usage(input_tokens=103, output_tokens=73, cached_tokens=90, reasoning_tokens=43)),
            Finish("tool_calls"),
        ],
    ),
    "an id of its own, the finish beside the call": (
        sse(chunk({"functionCall": {"id": "fc-7", "name": "now", "args": {}}}, finish="STOP")),
        [ToolCallPiece("fc-7", "now", "{}"), Finish("tool_calls")],
    ),
    "cut by its limit": (sse(chunk(text("Hi"), finish="MAX_TOKENS")), [TextPiece("Hi"), Finish("length")]),
    "an end nobody knows": (sse(chunk(text("Hi"), finish="OTHER")), [TextPiece("Hi"), Finish("unknown")]),
    "its own probability": (
        sse({"candidates": [{"content": {"parts": [text("Hi")]}, "finishReason": "STOP", "avgLogprobs": -0.25}]}),
        [TextPiece("Hi"), Finish("stop", mean_logprob=-0.25)],
    ),
    "nonsense around it": (
        b": ping\r\n\r\n"
        + sse({}, {"candidates": None}, {"candidates": [7]}, chunk({"executableCode": {}}, text("Hi")), {"error": None})
        + sse(chunk(finish="STOP", usageMetadata={"promptTokenCount": "x"})),
        [TextPiece("Hi"), UsagePiece(Usage()), Finish("stop")],
    ),
    "no blank line at the end": (sse(chunk(text("Hi"), finish="STOP")).rstrip(), [TextPiece("Hi"), Finish("stop")]),
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_means_the_same_at_every_split_and_byte_by_byte(meant: Any, name: str) -> None:
    data, expected = TRANSCRIPTS[name]

    assert meant(GeminiReader(), [data]) == expected
    assert meant(GeminiReader(), (data[at : at + 1] for at in range(len(data)))) == expected
    for at in range(1, len(data)):
        assert meant(GeminiReader(), (data[:at], data[at:])) == expected


def test_text_that_arrives_in_one_read_is_one_piece() -> None:
    data = sse(chunk(text("a"), text("b")), chunk(text("c")), chunk(text("d"), finish="STOP"))

    assert list(GeminiReader().read(SseDecoder().feed(data))) == [TextPiece("abcd"), Finish("stop")]


FAILED = {
    "SAFETY": FailureKind.CONTENT_POLICY,
    "RECITATION": FailureKind.CONTENT_POLICY,
    "BLOCKLIST": FailureKind.CONTENT_POLICY,
    "PROHIBITED_CONTENT": FailureKind.CONTENT_POLICY,
    "SPII": FailureKind.CONTENT_POLICY,
    "IMAGE_SAFETY": FailureKind.CONTENT_POLICY,
    "MALFORMED_FUNCTION_CALL": FailureKind.SERVER_ERROR,
    "UNEXPECTED_TOOL_CALL": FailureKind.SERVER_ERROR,
}


@pytest.mark.parametrize("reason", FAILED)
def test_an_end_that_is_a_failure_is_one_behind_the_text_that_came(reason: str) -> None:
    pieces: list[Piece] = []
    reader = GeminiReader()
    with pytest.raises(ServerSaidError) as caught:
        for piece in reader.read(SseDecoder().feed(sse(chunk(text("Hi")), chunk(finish=reason)))):
            pieces.append(piece)

    assert (pieces, reader.finished) == ([TextPiece("Hi")], False)
    assert classify(Evidence(api="gemini", status=200, body=caught.value.body)).kind is FAILED[reason]


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "OTHER", "SOMETHING_NEW"])
def test_a_blocked_prompt_is_a_matter_of_content_whatever_the_reason(reason: str) -> None:
    blocked = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 9}}

    try:
        list(GeminiReader().read_whole(json.dumps(blocked)))
        raise AssertionError("it passed")
    except ServerSaidError as said:
        failure = classify(Evidence(api="gemini", status=200, body=said.body))
    except CallFailed as failed:
        failure = failed.failure

    assert failure.kind is FailureKind.CONTENT_POLICY
    assert reason in failure.body


WHOLE = chunk(text("Hi"), finish="STOP", usageMetadata=counts(4, 1))


@pytest.mark.parametrize(
    "body", [json.dumps(WHOLE), json.dumps([chunk(text("Hi")), chunk(finish="STOP") | {"usageMetadata": counts(4, 1)}])]
)
def test_a_whole_answer_and_a_list_of_chunks_are_read_like_a_stream(body: str) -> None:
    pieces = list(GeminiReader().read_whole(body))

    assert pieces == [TextPiece("Hi"), UsagePiece(Usage(input_tokens=4, output_tokens=1)), Finish("stop")]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("{}", "no_terminal_sign"),
        ("[]", "no_terminal_sign"),
        (json.dumps(chunk(text("Hi"))), "no_terminal_sign"),
        (json.dumps([chunk(text("Hi"))]), "no_terminal_sign"),
        ('{"candidates": [', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("[7]", "bad_json"),
    ],
)
def test_a_whole_answer_without_its_end_is_none(body: str, word: str) -> None:
    with pytest.raises(TransportError) as caught:
        list(GeminiReader().read_whole(body))

    assert caught.value.word == word


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_is_one_alone_in_a_list_and_in_mid_stream(wrapped: bool) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    with pytest.raises(ServerSaidError) as alone:
        list(GeminiReader().read_whole(json.dumps([error] if wrapped else error)))
    reader = GeminiReader()
    arrived = SseDecoder().feed(sse(chunk(text("Hi")), error))
    with pytest.raises(ServerSaidError):
        list(reader.read(arrived))

    assert classify(Evidence(api="gemini", status=200, body=alone.value.body)).kind is FailureKind.OVERLOADED
