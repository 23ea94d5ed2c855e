"""What arrives from a provider during one call, in the order it came: the inner side of every wire.

A provider's `call` yields these; the executor turns them into events. A keep-alive, a role chunk or an empty
delta yields nothing at all: only content is a sign of life.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import field
from typing import Literal, Protocol

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import Request, Usage
from llmesc.escalation.origin import UNKNOWN, Origin
from llmesc.escalation.resolution import Resolution


@dataclass(frozen=True, slots=True)
class Opened:
    """The response has begun: its status line and headers are in. No sign of life of the model."""

    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Rate-limit headers and the like, lower case, no secrets."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Some of the answer; what arrived in one read is handed on together. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingPiece:
    """Some of the reasoning that the model shows. Empty only where it brings a signature: of the reasoning before it."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A complete tool call; fragments are joined by the wire. `arguments` is JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Activity:
    """Content arrived that is not shown yet (a fragment of a tool call): a sign of life."""


@dataclass(frozen=True, slots=True)
class UsagePiece:
    """What the provider counted so far; the last one counts."""

    usage: Usage


FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "unknown"]


@dataclass(frozen=True, slots=True)
class Finish:
    """The protocol's own end of the answer was seen. A stream that ends without one was cut short."""

    reason: FinishReason
    model: str | None = None
    """The model as the provider names it."""
    mean_logprob: float | None = None
    """Mean natural-log probability of the answer's tokens, where the provider gives them."""


Content = TextPiece | ThinkingPiece | ToolCallPiece
"""What the model itself said."""

SIGNS_OF_LIFE = (TextPiece, ThinkingPiece, ToolCallPiece, Activity)
"""Content, and fragments of it that are not shown yet: what shows that the model is at work."""

Piece = Opened | TextPiece | ThinkingPiece | ToolCallPiece | Activity | UsagePiece | Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt as a provider sees it: exactly one request leaves for it, never a hidden retry."""

    resolution: Resolution
    request: Request
    timeouts: Timeouts
    idempotency_key: str
    """The attempt's id; sent where the wire has a place for it."""
    seconds_left: float | None = None
    """What the run has for it: after that nobody waits for its answer. None: nobody said."""
    origin: Origin = UNKNOWN


class Provider(Protocol):
    """One wire API at one instance."""

    def call(self, call: Call) -> AsyncIterator[Piece]:
        """Yields pieces until `Finish`. Raises `CallFailed` for everything that goes wrong, an end without a terminal sign
        included. Closing the iterator (or cancelling it) drops the connection at once.
        """
        ...

    async def aclose(self) -> None:
        """Lets go of connections and child processes."""
        ...
