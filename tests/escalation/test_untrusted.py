"""Text from outside cannot steer a terminal, and keys do not stay in what is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.redact import redact
from llmesc.escalation.untrusted import one_line, safe

HOSTILE = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b]52;c;aGVsbG8=\x07clipboard", "clipboard"),
    ("\x1b]0;title\x1b\\x", "x"),
    ("\x9b31mC1", "31mC1"),
    ("\x1bP1$rq\x1b\\dcs", "dcs"),
    ("a\rb", "ab"),
    ("a\r\nb", "a\nb"),
    ("bell\x07, back\x08space, del\x7f", "bell, backspace, del"),
    ("user\u202etxt.exe", "usertxt.exe"),
    ("\ufeffmark", "mark"),
    ("tag\U000e0041\U000e007f", "tag"),
    ("tab\tand\nline", "tab\tand\nline"),
    ("Grüße, 日本語, 👩‍💻, [bold]markup[/x]", "Grüße, 日本語, 👩‍💻, [bold]markup[/x]"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_steers_a_terminal_is_gone_and_the_rest_stays(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_nothing_that_begins_a_control_sequence_is_ever_left(text: str) -> None:
    assert not set(safe(text)) & {chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0))}


@given(st.text(max_size=500), st.integers(1, 50))
def test_one_line_is_one_line_and_no_wider(text: str, width: int) -> None:
    line = one_line(text, width)
    assert "\n" not in line
    assert len(line) <= width


SECRETS = [
    "Authorization: Bearer sk-proj-abcdefghijklmnop1234",
    "Incorrect API key provided: sk-ant-REDACTED",
    '{"api_key": "hunter2hunter2"}',
    "x-goog-api-key=AIzaSyA1234567890abcdefghijklmnop",
    "token: ghp_abcdefghijklmnopqrstuvwxyz0123",
    "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_key_is_taken_out_wherever_it_stands(text: str) -> None:
    kept = redact(text)
    assert "***" in kept
    for part in ("abcdefghijklmnop", "hunter2", "1234567890abc", "eyJhbGciOi"):
        assert part not in kept


def test_ordinary_text_stays_as_it_is_and_is_bounded() -> None:
    text = "The token limit of 8192 was reached; ask for the secret sauce later."
    assert redact(text) == text
    assert len(redact("x" * 10_000, limit=100)) == 101
