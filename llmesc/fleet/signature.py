"""The fleet's shared key: who can write to the Redis, but does not have it, is nobody."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from llmesc.escalation.secret import Secret

Direction = Literal["ask", "answer", "worker", "word"]
"""A request, part of an answer, what a worker says of itself, an operator's word: none of them passes for another."""


def sign(key: Secret | None, direction: Direction, about: str, body: bytes) -> str:
    """HMAC-SHA256 over the direction, whom or what it is about and the bytes as they travel; without a key nothing."""
    if key is None:
        return ""
    head = f"llmesc-fleet-1\n{direction}\n{about}\n".encode()
    return hmac.new(key.reveal().encode(), head + body, hashlib.sha256).hexdigest()


def is_signed(key: Secret | None, direction: Direction, about: str, body: bytes, signature: str) -> bool:
    """Whether that is its signature. Without a key of one's own, everything is taken as it is."""
    return key is None or hmac.compare_digest(sign(key, direction, about, body).encode(), signature.encode())
