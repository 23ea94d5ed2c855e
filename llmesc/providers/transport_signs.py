"""What the transport saw, when no status of an error arrived: refused, silent, cut, or no answer of the protocol at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from llmesc.escalation.failures import FailureKind

_K = FailureKind

TRANSPORT_WORDS: Mapping[str, FailureKind] = {
    "connect_refused": _K.CONNECTION,
    "dns": _K.CONNECTION,
    "tls": _K.CONNECTION,
    "reset": _K.CONNECTION,
    "connect_timeout": _K.TIMEOUT,
    "read_timeout": _K.TIMEOUT,
    "first_token_timeout": _K.TIMEOUT,
    "stall_timeout": _K.TIMEOUT,
    "total_timeout": _K.TIMEOUT,
    "min_rate": _K.TIMEOUT,
    "pool_timeout": _K.TIMEOUT,
    "cut": _K.PROTOCOL,
    "truncated_stream": _K.PROTOCOL,
    "bad_json": _K.PROTOCOL,
    "html": _K.PROTOCOL,
    "too_long": _K.PROTOCOL,
    "no_terminal_sign": _K.PROTOCOL,
    "empty_body": _K.PROTOCOL,
    "redirect": _K.PROTOCOL,
}
"""The words of our own HTTP layer, and those of recorded cases. `closed` depends on whether an answer had begun."""

ANSWER_ENDED_EARLY = frozenset(
    {"cut", "truncated_stream", "no_terminal_sign", "closed", "bad_json", "html", "empty_body", "sse_error_event"}
)
"""Words beside which an error in the body is the better witness: a server that reports an error and hangs up has cut nothing."""


@cache
def _signs() -> tuple[tuple[FailureKind, re.Pattern[str]], ...]:
    return (
        (_K.TIMEOUT, re.compile(r"time_?d?[ -]?_?out|too slow|deadline", re.IGNORECASE)),
        (
            _K.CONNECTION,
            re.compile(
                r"without sending a response|connection (?:reset|aborted)|broken pipe|econn|readerror|unreachable", re.IGNORECASE
            ),
        ),
        (
            _K.PROTOCOL,
            re.compile(
                r"incomplete|truncat|chunk|complete message body|protocol|decod|json|html|gzip|premature|redirect|too long|empty",
                re.IGNORECASE,
            ),
        ),
        (
            _K.CONNECTION,
            re.compile(
                r"refus|dns|resolv|name or service|getaddrinfo|nodename|tls|ssl|certificate|reset|connect|network|socket|proxy",
                re.IGNORECASE,
            ),
        ),
    )


def transport_kind(word: str, detail: str, *, answer_began: bool) -> tuple[FailureKind, str, str] | None:
    """(kind, rule, matched) by a transport word, or by the exception's text where the word is unknown; None: nothing wrong."""
    word = word.strip().lower()
    if word == "closed":
        return (_K.PROTOCOL if answer_began else _K.CONNECTION), "transport.closed", detail or word
    if word in TRANSPORT_WORDS:
        return TRANSPORT_WORDS[word], f"transport.{word}", detail or word
    if word == "sse_error_event":
        return None
    told = f"{word} {detail}".strip()
    return transport_sign(told) or ((_K.CONNECTION, "transport.unknown", told) if told else None)


def transport_sign(told: str) -> tuple[FailureKind, str, str] | None:
    """(kind, rule, matched) by words that exceptions of clients use; None where there are none."""
    for kind, sign in _signs():
        hit = sign.search(told[:2000])
        if hit:
            return kind, f"transport.{kind}", hit[0]
    return None
