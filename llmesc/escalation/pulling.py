"""Pulls what a provider sends in one attempt: emits it, watches that it is alive, and holds what the gate holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from itertools import chain, count
from typing import TypeVar, assert_never

from llmesc.escalation.attempt import Attempt, Ending
from llmesc.escalation.envelope import affordable, share_spent
from llmesc.escalation.events import GateOpened, TextDelta, ThinkingDelta, ToolCallRequested
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.liveness import Liveness
from llmesc.escalation.lookahead import Lookahead
from llmesc.escalation.pieces import (
    SIGNS_OF_LIFE,
    Activity,
    Call,
    Finish,
    Opened,
    Piece,
    TextPiece,
    ThinkingPiece,
    ToolCallPiece,
    UsagePiece,
)
from llmesc.escalation.quality import Verdict
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import Selected

Taken = TypeVar("Taken")

_A_FRAGMENT = 1000
"""Characters that a fragment of a tool call counts for: its length comes with the whole, so it counts as fast enough."""


class Pull:
    """One call in progress. Its request leaves when something of it is first waited for."""

    def __init__(self, attempt: Attempt, selected: Selected, stream: EventStream, run_deadline: float) -> None:
        self.attempt = attempt
        self.selected = selected
        self._stream = stream
        share_by = attempt.started + selected.allowance.seconds
        self._has_share = share_by < run_deadline
        self._liveness = Liveness(selected.timeouts, attempt.started, min(run_deadline, share_by))
        own_by = attempt.started + selected.timeouts.total_seconds
        call = Call(
            resolution=attempt.resolution,
            request=affordable(attempt.asked, selected.allowance),
            timeouts=selected.timeouts,
            idempotency_key=attempt.attempt_id,
            seconds_left=min(run_deadline, share_by, own_by) - attempt.started,
            origin=stream.origin,
        )
        self.pieces = Lookahead(selected.provider.call(call))

    @property
    def deadline(self) -> float:
        """When waiting for content must end, of the event loop's clock."""
        return self._liveness.deadline

    @property
    def has_content(self) -> bool:
        """Whether content is there, and not taken yet."""
        return isinstance(self.pieces.seen, SIGNS_OF_LIFE)

    async def to_end(self) -> Ending:
        """Emits what comes until the call ends one way or another, and drops it. Raises nothing."""
        try:
            return await self._ending(self._pull())
        finally:
            await self.pieces.aclose()

    async def step(self) -> Ending | None:
        """Takes what is there and is no content, without waiting; how the call ended, or None where it goes on."""
        if self.pieces.is_there:
            ending = await self._ending(self._take_one())
        elif asyncio.get_running_loop().time() >= self.deadline:
            ending = await self._overdue()
        else:
            return None
        if ending is not None:
            await self.pieces.aclose()
        return ending

    @property
    def was_sent(self) -> bool:
        """Whether its request left, or was about to."""
        return self.attempt.reached or self.pieces.is_awaited

    def drop(self) -> asyncio.Future[None]:
        """Ends the call now; done when the connection is gone."""
        return asyncio.ensure_future(self.pieces.aclose())

    async def _ending(self, taking: Awaitable[Taken]) -> Taken | Ending:
        """What `taking` gives, or how the call ended meanwhile."""
        attempt = self.attempt
        try:
            return await taking
        except StopAsyncIteration:
            if attempt.finish is None:
                return _ended_without_a_finish()
            await _put(attempt.seam.end(), attempt, self._stream)
            return "finished"
        except CallFailed as failed:
            return failed.failure
        except Interrupted as interrupted:
            return "cancelled" if interrupted.reason == "cancelled" else await self._overdue()
        except Exception as error:  # noqa: BLE001 - a bug in a wire is that candidate's failure, not the end of the run
            return _wire_bug(error)

    async def _overdue(self) -> Ending:
        if self.attempt.finish is not None:
            await _put(self.attempt.seam.end(), self.attempt, self._stream)
            return "finished"
        breach = self._liveness.breach()
        if breach != "deadline":
            return self._liveness.failure(breach)
        return share_spent(self.selected.allowance) if self._has_share else "deadline"

    async def _take_one(self) -> None:
        piece = await self.pieces.next()
        await _take(piece, self.attempt, self._stream)
        if isinstance(piece, Finish):
            self._liveness.finish(asyncio.get_running_loop().time())

    async def _pull(self) -> Ending:
        """Raises `StopAsyncIteration` at the end, and what the provider and an interrupted wait raise."""
        loop = asyncio.get_running_loop()
        attempt, pieces, stream, liveness = self.attempt, self.pieces, self._stream, self._liveness
        gate = attempt.gate
        while True:
            if (opens_at := gate.opens_at) is not None:
                comes = stream.interruptible.wait(pieces.comes_within(max(0.0, opens_at - loop.time())), liveness.deadline)
                if not await comes and (verdict := await _decide(attempt, stream)) is not None:
                    return verdict
            piece = await stream.interruptible.wait(pieces.next(), liveness.deadline)
            characters = await _take(piece, attempt, stream)
            if characters is not None:
                liveness.content(loop.time(), characters)
                attempt.first_content_at = liveness.first_content_at
                if gate.held and (verdict := await _decide(attempt, stream)) is not None:
                    return verdict
                if stream.crowded:
                    since = loop.time()
                    await stream.room()
                    liveness.paused(loop.time() - since)
            elif isinstance(piece, Finish):
                liveness.finish(loop.time())


async def _take(piece: Piece, attempt: Attempt, stream: EventStream) -> int | None:
    """Keeps and emits one piece; the characters it brought, or None where it is no sign of life."""
    attempt.reached = True
    match piece:
        case TextPiece(text=text):
            await _put(attempt.seam.feed(text), attempt, stream)
            return len(text)
        case ThinkingPiece(text=text):
            attempt.content.append(piece)
            attempt.thinking_characters += len(text)
            if text:  # else it only brings a signature
                await stream.emit(ThinkingDelta, attempt=attempt.number, text=text)
            return len(text)
        case ToolCallPiece(name=name, arguments=arguments):
            await _put(attempt.seam.end(), attempt, stream)
            attempt.called_tools = True
            call_id = _own_id(piece.call_id, attempt.call_ids)
            attempt.content.append(replace(piece, call_id=call_id))
            await stream.emit(ToolCallRequested, attempt=attempt.number, call_id=call_id, name=name, arguments=arguments)
            return len(arguments)
        case Activity():
            attempt.called_tools = True
            return _A_FRAGMENT
        case UsagePiece(usage=usage):
            attempt.reported = usage
        case Opened(request_id=request_id):
            attempt.request_id = request_id
        case Finish():
            attempt.finish = attempt.finish or piece
        case _:
            assert_never(piece)
    return None


async def _put(text: str, attempt: Attempt, stream: EventStream) -> None:
    """Keeps and emits text that is no repetition; held, while the gate is closed."""
    if not text:
        return
    attempt.content.append(TextPiece(text))
    attempt.characters += len(text)
    if not attempt.gate.is_open:
        attempt.gate.hold(len(text), asyncio.get_running_loop().time())
    await stream.emit(TextDelta, attempt=attempt.number, text=text, held=not attempt.gate.is_open)


async def _decide(attempt: Attempt, stream: EventStream) -> Verdict | None:
    """Opens the gate where it is time to; a verdict where the beginning is none of a good answer."""
    decision = attempt.gate.decide(lambda: attempt.own_text, asyncio.get_running_loop().time())
    if decision == "open":
        await open_gate(attempt, stream)
    return decision if isinstance(decision, Verdict) else None


async def open_gate(attempt: Attempt, stream: EventStream) -> None:
    """Shows what is held, and all that comes."""
    if not attempt.gate.is_open and (held := attempt.gate.open()):
        await stream.emit(GateOpened, attempt=attempt.number, characters=held)


def _own_id(call_id: str, taken: set[str]) -> str:
    """`call_id`, or one made of it where another call has it; taken from now on."""
    own = next(name for name in chain((call_id,), (f"{call_id}_{number}" for number in count(2))) if name not in taken)
    taken.add(own)
    return own


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
