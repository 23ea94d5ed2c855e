"""An error body of any shape becomes one shape."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from llmesc.providers.error_body import fold, read_body

SHAPES: dict[str, Any] = {
    "an object": {"error": {"message": "it broke", "code": "e1"}},
    "a flat object": {"message": "it broke", "code": "e1"},
    "a sentence beside a code": {"error": "it broke", "code": "e1"},
    "a sentence beside a type": {"error": "it broke", "error_type": "e1"},
    "a detail": {"detail": "it broke", "code": "e1"},
    "details of a validator": {"detail": [{"msg": "it broke", "type": "e1"}]},
    "in a list": [{"error": {"message": "it broke", "code": "e1"}}],
    "a list of errors": {"success": False, "errors": [{"message": "it broke", "code": "e1"}]},
    "capitals": {"Response": {"Error": {"Code": "e1", "Message": "it broke"}, "RequestId": "r-12345"}},
    "error_code": {"error_code": "e1", "message": "it broke"},
    "a title": {"title": "it broke", "status": 402, "code": "e1"},
    "json in a message": {"error": {"message": json.dumps({"error": {"message": "it broke", "code": "e1"}})}},
    "json behind words in a message": {
        "error": {"message": 'upstream said: {"error": {"message": "it broke", "code": "e1"}} (sorry)'}
    },
    "a repr in a message": {"error": {"message": "500 - {'error': {'message': \"it broke\", 'code': 'e1', 'param': None}}"}},
    "escaped json in a message": {"error": {"message": r"b'{\n \"error\": {\"message\": \"it broke\", \"code\": \"e1\"}}'"}},
    "json in a router's raw field": {"error": {"message": "?", "metadata": {"raw": '{"message": "it broke", "code": "e1"}'}}},
    "a failed response": {"type": "response.failed", "response": {"error": {"code": "e1", "message": "it broke"}}},
    "a choice that failed": {"choices": [{"finish_reason": "error", "error": {"message": "it broke", "code": "e1"}}]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_its_message_and_its_code(shape: str) -> None:
    body = read_body(json.dumps(SHAPES[shape]))
    codes = [*body.codes, *(code for inner in body.inner for code in inner.codes)]
    assert body.is_error
    assert body.message == "it broke"
    assert "e1" in codes


STREAMS = {
    "an event named error": 'event: error\ndata: {"message": "it broke"}\n\n',
    "an event named error without json": "event: error\ndata: it broke\n\n",
    "data with an error": ': hi\n\ndata: {"choices":[]}\n\ndata: {"error": {"message": "it broke"}}\n\ndata: [DONE]\n\n',
    "a field named error": 'error: {"message": "it broke"}\n\n',
    "carriage returns": 'event: error\r\ndata: {"error": {"message": "it broke"}}\r\n\r\n',
    "a line of ndjson": '{"message": {"content": "hello"}, "done": false}\n{"error": "it broke"}\n',
    "after a long answer": 'data: {"choices":[{"delta":{"content":"an error"}}]}\n\n' * 9000
    + 'data: {"error":{"message":"it broke"}}\n\n',
}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_error_in_a_stream_is_found(stream: str) -> None:
    body = read_body(STREAMS[stream])
    assert (body.is_error, body.message) == (True, "it broke")


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"content": "an error", "error": None}}], "error": None},
        {"type": "message", "content": [{"type": "text", "text": "error: x"}], "stop_reason": "end_turn"},
        {"message": {"role": "assistant", "content": "error"}, "done": True},
        {"id": "r", "output": [{"type": "mcp_call", "error": {"message": "a tool failed"}}], "error": None},
        {"base_resp": {"status_code": 0, "status_msg": "success"}, "choices": []},
    ],
)
def test_an_answer_is_no_error_whatever_it_talks_about(answer: Any) -> None:
    assert not read_body(json.dumps(answer)).is_error
    assert not read_body(f"data: {json.dumps(answer)}\n\n").is_error


def test_a_page_is_its_title_and_heading() -> None:
    body = read_body("<html><head><title>502 &amp; out</title><script>var error = 'quota'</script></head><h1>502</h1></html>")
    assert (body.is_html, body.text) == (True, "502 & out")


def test_a_json_body_that_was_cut_keeps_its_message_and_codes() -> None:
    body = read_body('{"error": {"message": "it \\"broke\\"", "code": "quota_gone", "details": [{"a')
    assert body.message == 'it "broke"'
    assert "quota_gone" in body.codes


def test_what_was_asked_is_not_read_as_what_went_wrong() -> None:
    body = read_body(
        json.dumps({"detail": [{"msg": "Field required", "input": {"message": "quota exceeded"}}], "prompt": "quota"})
    )
    assert body.text == "field required"


def test_a_link_is_no_sentence_and_quotes_are_straight() -> None:
    assert fold("It isn’t PAID: see https://x.example/billing?quota=1\n\nnow") == "it isn't paid: see now"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429}}, 429),
        ({"error": {"code": "503"}}, 503),
        ({"status_code": 404, "message": "x"}, 404),
        ({"error": {"code": 1113}}, None),
        ({"error": {"code": "4xx"}}, None),
        ({"error": {"code": True}}, None),
    ],
)
def test_a_status_in_the_body_is_three_digits_and_an_errors(body: Any, status: int | None) -> None:
    assert read_body(json.dumps(body)).status == status


def test_the_request_id_is_found_in_fields_and_in_words() -> None:
    assert read_body('{"error": {"message": "x"}, "request_id": "req-77"}').request_id == "req-77"
    assert read_body('{"error": {"message": "broke (request id: 2026abc77)"}}').request_id == "2026abc77"
    assert read_body('{"error": {"message": "say req_0123456789ab to us"}}').request_id == "req_0123456789ab"


def test_quotes_in_a_repr_are_those_of_python() -> None:
    said = {"error": {"message": 'model "a" isn\'t there', "code": "e1", "ok": False}}

    body = read_body(f"Error code: 404 - {said!r}, try again")

    assert body.message == 'model "a" isn\'t there'
    assert "e1" in body.inner[0].codes


@pytest.mark.parametrize("unit", ["\\'", "'", '"', "{'a':", "\\", "'\\\n"])
def test_quotes_without_end_cost_no_more_than_their_number(unit: str) -> None:
    hostile = ("{'" + unit * 4_000)[:3_990]

    started = time.process_time()
    read_body(json.dumps({"error": {"message": hostile, "details": [f"{hostile}{number}" for number in range(40)]}}))

    assert time.process_time() - started < 1.0
