"""The shared key: one's own messages are believed, and nothing else is."""

from __future__ import annotations

import pytest

from llmesc.escalation.secret import Secret
from llmesc.fleet.signature import is_signed, sign

KEY = Secret("shared")


def test_a_message_is_believed_where_it_was_meant_and_nowhere_else() -> None:
    signature = sign(KEY, "ask", "job", b"body")

    assert is_signed(KEY, "ask", "job", b"body", signature)
    assert not is_signed(KEY, "answer", "job", b"body", signature)
    assert not is_signed(KEY, "ask", "other", b"body", signature)
    assert not is_signed(KEY, "ask", "job", b"Body", signature)
    assert not is_signed(Secret("another"), "ask", "job", b"body", signature)
    assert not is_signed(KEY, "ask", "job", b"body", "")


@pytest.mark.parametrize("signature", ["", "anything", "é"])
def test_without_a_key_of_ones_own_everything_is_taken(signature: str) -> None:
    assert sign(None, "ask", "job", b"body") == ""
    assert is_signed(None, "ask", "job", b"body", signature)
