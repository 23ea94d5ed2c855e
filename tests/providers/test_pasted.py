"""A whole response as a person pastes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.providers.classify import explain
from llmesc.providers.pasted import Pasted, take_apart

BODY = '{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}'
PASTED = {
    "curl -i": f"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\n\r\n{BODY}",
    "HTTP/2 has no phrase": f"HTTP/2 429 \nRetry-After: 7\n\n{BODY}",
    "curl -v": f"< HTTP/2 429\n< retry-after: 7\n< \n{BODY}",
    "behind a proxy": f"HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 429\r\nretry-after: 7\r\n\r\n{BODY}",
    "after 100 Continue": f"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429\r\nretry-after: 7\r\n\r\n{BODY}",
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_status_headers_and_body_are_told_apart(text: str) -> None:
    assert take_apart(text) == Pasted(429, {"retry-after": "7"}, BODY)


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_what_is_pasted_whole_is_explained_like_its_parts(text: str) -> None:
    parts = {"status": 429, "headers": {"retry-after": "7"}, "body": BODY}

    assert explain({"body": text}) == explain(parts)


def test_what_is_said_beside_it_outranks_the_pasted_head() -> None:
    assert explain({"status": 402, "body": "HTTP/1.1 200 OK\r\n\r\n"})["kind"] == "account"


@pytest.mark.parametrize("text", ["", BODY, "HTTP error 429", "429 Too Many Requests"])
def test_what_has_no_status_line_is_a_body(text: str) -> None:
    assert take_apart(text) is None


@given(st.text(alphabet="HTP/12 30\r\n<:ab{}", max_size=60))
def test_nothing_that_is_pasted_is_too_odd(text: str) -> None:
    found = take_apart(f"HTTP/1.1 500\n{text}")

    assert found is not None
    assert 0 <= found.status <= 999


def test_a_paste_of_nothing_but_status_lines_ends() -> None:
    assert take_apart("HTTP/1.1 100\n" * 20_000 + "HTTP/1.1 503\n\nbusy") == Pasted(503, {}, "busy")
