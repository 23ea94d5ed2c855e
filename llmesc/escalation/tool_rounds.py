"""The rounds of tools in one run: what the model asked for runs, and the conversation grows by calls and results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from llmesc.escalation.attempt import Attempt, tool_call
from llmesc.escalation.events import ToolCallFinished
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Message, Part, Request, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.pieces import Content, TextPiece, ThinkingPiece, ToolCallPiece
from llmesc.escalation.quality import Verdict
from llmesc.escalation.redact import redact
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.run import EventStream
from llmesc.escalation.tools import NoResult, Tool, Toolbox, arguments_of, bounded

Deadline = Callable[[], float]
"""Of the run, by the event loop's clock; it moves while a person is asked."""


class ToolRounds:
    """Of one run. A round that was finished stays: whoever is called next gets it, and nothing in it runs again."""

    def __init__(self, toolbox: Toolbox | None, stream: EventStream, limits: Limits) -> None:
        self._toolbox = toolbox
        self._stream = stream
        rounds, seconds = (toolbox.max_rounds, toolbox.timeout_seconds) if toolbox else (None, None)
        self._max_rounds = limits.max_tool_rounds if rounds is None else rounds
        self._timeout_seconds = limits.tool_timeout_seconds if seconds is None else seconds
        self.finished = 0
        self.permit_seconds = 0.0
        """Spent on asking for permission."""

    def wanted(self, attempt: Attempt) -> bool:
        """Whether a finished answer asks for tools that are to be run. Calls of an answer that was cut may be cut, too."""
        return self._asks(attempt) and not self._spent

    def verdict(self, attempt: Attempt) -> Verdict | None:
        """On an answer that asks for tools when no round is left: it is none."""
        if not self._asks(attempt) or not self._spent:
            return None
        return Verdict(score=0, reasons=(f"tool_rounds -100: it still asks for tools after {self.finished} rounds",))

    async def run(self, attempt: Attempt, request: Request, deadline: Deadline) -> Request:
        """Runs what `attempt` asks for, in that order, one after the other; the request with the round in it.

        Raises `Interrupted` when the run is cancelled or its time is spent.
        """
        assert self._toolbox is not None, "only a toolbox wants rounds"
        turn = assistant_turn(attempt.turn, attempt.resolution.circuit_key)
        results = [await self._result(self._toolbox, attempt, call, deadline) for call in attempt.tool_calls]
        self.finished += 1
        return replace(request, messages=(*request.messages, turn, Message(role="tool", parts=tuple(results))))

    @property
    def _spent(self) -> bool:
        return self._toolbox is not None and self.finished >= self._max_rounds

    def _asks(self, attempt: Attempt) -> bool:
        whole = attempt.finish is not None and attempt.finish.reason not in ("length", "content_filter")
        return self._toolbox is not None and whole and bool(attempt.tool_calls)

    async def _result(self, toolbox: Toolbox, attempt: Attempt, call: ToolCall, deadline: Deadline) -> ToolResult:
        loop = asyncio.get_running_loop()
        began, permitting = loop.time(), self.permit_seconds
        try:
            tool, arguments = toolbox.find(call.name), arguments_of(call)
            await self._ask(toolbox, call)
            content, is_error = await self._run(tool, arguments, deadline), False
        except NoResult as reason:
            content, is_error = str(reason), True
        result = ToolResult(call_id=call.call_id, content=bounded(content), is_error=is_error)
        await self._stream.emit(
            ToolCallFinished,
            attempt=attempt.number,
            call_id=call.call_id,
            name=call.name,
            result=result.content,
            is_error=is_error,
            duration_seconds=loop.time() - began - (self.permit_seconds - permitting),
        )
        return result

    async def _ask(self, toolbox: Toolbox, call: ToolCall) -> None:
        """Raises `NoResult` where the permission is refused."""
        if toolbox.permit is None:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            # Whoever is asked has seen what led to it.
            await self._stream.caught_up()
            refusal = await self._stream.interruptible.wait(toolbox.permit(call), float("inf"))
        finally:
            self.permit_seconds += loop.time() - began
        if refusal is not None:
            raise NoResult(refusal)

    async def _run(self, tool: Tool, arguments: Mapping[str, Any], deadline: Deadline) -> str:
        """Raises `NoResult` for every way in which it came to no result."""
        loop = asyncio.get_running_loop()
        until = min(loop.time() + self._timeout_seconds, deadline())
        try:
            return await self._stream.interruptible.wait(_guarded(tool, arguments), until)
        except Interrupted as interrupted:
            if interrupted.reason == "cancelled" or loop.time() >= deadline():
                raise
            raise NoResult(f"{tool.spec.name} did not finish within {self._timeout_seconds:g} s") from None


async def _guarded(tool: Tool, arguments: Mapping[str, Any]) -> str:
    try:
        return await tool.run(arguments)
    except NoResult:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise NoResult(f"{tool.spec.name} was cancelled") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller's code; the model may find another way
        raise NoResult(redact(f"{type(error).__name__}: {error}")) from None


def assistant_turn(content: Iterable[Content], source: CircuitKey) -> Message:
    """What a model said in one answer, as a turn of the conversation, in the order it came."""
    parts: list[Part] = []
    for kind, group in groupby(content, type):
        pieces = list(group)
        if kind is TextPiece:
            parts.append(Text(text="".join(piece.text for piece in pieces if isinstance(piece, TextPiece))))
        elif kind is ThinkingPiece:
            parts += _thinking((piece for piece in pieces if isinstance(piece, ThinkingPiece)), source)
        else:
            parts += (tool_call(piece) for piece in pieces if isinstance(piece, ToolCallPiece))
    return Message(role="assistant", parts=tuple(parts))


def _thinking(pieces: Iterable[ThinkingPiece], source: CircuitKey) -> Iterator[Thinking]:
    """A signature ends the reasoning before it."""
    texts: list[str] = []
    provider, instance = source
    for piece in pieces:
        texts.append(piece.text)
        if piece.signature is not None:
            yield Thinking(text="".join(texts), signature=piece.signature, provider=provider, instance=instance)
            texts.clear()
    if texts:
        yield Thinking(text="".join(texts), provider=provider, instance=instance)
