"""One attempt: pulls what a provider sends, watches that it is alive, and keeps what came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Literal, assert_never

from llmesc.escalation.circuits import Admission
from llmesc.escalation.events import Move, TextDelta, ThinkingDelta, ToolCallRequested
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.liveness import Liveness
from llmesc.escalation.messages import Request, ToolCall, Usage, estimate_tokens, text_tokens
from llmesc.escalation.pieces import (
    Activity,
    Call,
    Content,
    Finish,
    Opened,
    Piece,
    Provider,
    TextPiece,
    ThinkingPiece,
    ToolCallPiece,
    UsagePiece,
)
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.run import EventStream

Ending = Failure | Literal["finished", "cancelled", "deadline"]
"""How the pulling ended: well, with the provider's failure, or through nobody's fault."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """An attempt in progress, and what it has brought so far."""

    number: int
    attempt_id: str
    resolution: Resolution
    move: Move
    admission: Admission
    started: float
    """Of the event loop's clock."""
    content: list[Content] = field(default_factory=list)
    characters: int = 0
    thinking_characters: int = 0
    call_ids: set[str] = field(default_factory=set)
    """Of all calls in the conversation: some servers begin to count anew with every answer."""
    reported: Usage | None = None
    finish: Finish | None = None
    request_id: str | None = None
    first_content_at: float | None = None
    answered_at: float | None = None
    """When the answer was complete: what its checks take after that is not the provider's time."""
    reached: bool = False
    """Whether the provider began to answer: what it did not count is then estimated."""

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(piece.text for piece in self.content if isinstance(piece, TextPiece))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """What it asks for, in order."""
        return tuple(tool_call(piece) for piece in self.content if isinstance(piece, ToolCallPiece))

    def seconds(self, now: float) -> float:
        """How long the call took, or takes so far."""
        return (now if self.answered_at is None else self.answered_at) - self.started

    def usage(self, request: Request) -> Usage:
        """What the provider counted; estimated where it counted nothing, all zero where nothing reached it."""
        if self.reported is not None and self.reported.output_tokens is not None:
            return self.reported
        if not self.reached:
            return Usage(input_tokens=0, output_tokens=0)
        seen = self.reported or Usage()
        return Usage(
            input_tokens=estimate_tokens(request) if seen.input_tokens is None else seen.input_tokens,
            output_tokens=text_tokens(self.text) + self.thinking_characters // 4,
            cached_tokens=seen.cached_tokens,
            reasoning_tokens=seen.reasoning_tokens,
            estimated=True,
        )


async def pull(attempt: Attempt, provider: Provider, call: Call, stream: EventStream, run_deadline: float) -> Ending:
    """Sends the call and emits what comes, until it ends one way or another. Raises nothing."""
    loop = asyncio.get_running_loop()
    liveness = Liveness(call.timeouts, attempt.started, run_deadline)
    pieces = provider.call(call)
    try:
        while True:
            piece = await stream.interruptible.wait(anext(pieces), liveness.deadline)
            characters = await _take(piece, attempt, stream)
            if characters is not None:
                now = loop.time()
                breach = liveness.content(now, characters)
                attempt.first_content_at = liveness.first_content_at
                if breach is not None:
                    return liveness.failure(breach)
                await stream.room()
            elif isinstance(piece, Finish):
                liveness.finish(loop.time())
    except StopAsyncIteration:
        return "finished" if attempt.finish is not None else _ended_without_a_finish()
    except CallFailed as failed:
        return failed.failure
    except Interrupted as interrupted:
        if interrupted.reason == "cancelled":
            return "cancelled"
        if attempt.finish is not None:
            return "finished"
        breach = liveness.breach()
        return "deadline" if breach == "deadline" else liveness.failure(breach)
    except Exception as error:  # noqa: BLE001 - a bug in a wire is that candidate's failure, not the end of the run
        return _wire_bug(error)
    finally:
        await _close(pieces)


async def _take(piece: Piece, attempt: Attempt, stream: EventStream) -> int | None:
    """Keeps and emits one piece; the characters it brought, or None where it is no sign of life."""
    attempt.reached = True
    match piece:
        case TextPiece(text=text):
            attempt.content.append(piece)
            attempt.characters += len(text)
            await stream.emit(TextDelta, attempt=attempt.number, text=text)
            return len(text)
        case ThinkingPiece(text=text):
            attempt.content.append(piece)
            attempt.thinking_characters += len(text)
            if text:  # else it only brings a signature
                await stream.emit(ThinkingDelta, attempt=attempt.number, text=text)
            return len(text)
        case ToolCallPiece(name=name, arguments=arguments):
            call_id = _own_id(piece.call_id, attempt.call_ids)
            attempt.content.append(replace(piece, call_id=call_id))
            await stream.emit(ToolCallRequested, attempt=attempt.number, call_id=call_id, name=name, arguments=arguments)
            return len(arguments)
        case Activity():
            # A fragment of a tool call: its length comes with the whole, so it counts as fast enough.
            return 1000
        case UsagePiece(usage=usage):
            attempt.reported = usage
        case Opened(request_id=request_id):
            attempt.request_id = request_id
        case Finish():
            attempt.finish = attempt.finish or piece
        case _:
            assert_never(piece)
    return None


def _own_id(call_id: str, taken: set[str]) -> str:
    """`call_id`, or one made of it where another call has it; taken from now on."""
    own = next(name for name in chain((call_id,), (f"{call_id}_{number}" for number in count(2))) if name not in taken)
    taken.add(own)
    return own


def tool_call(piece: ToolCallPiece) -> ToolCall:
    """The call as a part of a conversation."""
    return ToolCall(call_id=piece.call_id, name=piece.name, arguments=piece.arguments)


async def _close(pieces: AsyncIterator[Piece]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        with contextlib.suppress(Exception):  # the attempt is over; how the connection went is of no interest
            await close()


def _ended_without_a_finish() -> Failure:
    return Failure(
        kind=FailureKind.PROTOCOL,
        rule="stream.no_finish",
        message="the answer ended without its protocol's end",
        matched="end of stream",
    )


def _wire_bug(error: Exception) -> Failure:
    name = type(error).__name__
    return Failure(
        kind=FailureKind.PROTOCOL, rule=f"exception.{name}", message=f"the wire could not read the answer: {name}", matched=name
    )
