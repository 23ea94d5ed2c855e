"""One request that a worker has: read, run, answered. Whatever is wrong with it, it is that request's end and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from llmesc.engine.options import AskOptions
from llmesc.engine.serving.outbox import NobodyWaits, Outbox
from llmesc.engine.serving.outcome import failure_of
from llmesc.engine.serving.relay import Relay
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import text_tokens
from llmesc.escalation.pieces import Opened, Piece, TextPiece, ThinkingPiece
from llmesc.escalation.run import Run
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.fleet.messages import LARGEST_ANSWER, Ask, BadMessage, Part, read_ask, write_part
from llmesc.fleet.signature import is_signed, sign
from llmesc.state.store import StateUnavailable

if TYPE_CHECKING:
    from llmesc.engine.serving.worker import Parts
    from llmesc.fleet.link import Claimed

LONGEST_SECONDS = 86_400.0
"""Of any request, whatever it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """One line of a worker's log."""

    job: str
    lane: str
    asked_by: str
    run_id: str
    """In the worker's own record; empty: it was not run."""
    failure: Failure | None
    left: bool
    """Nobody waited for the answer any more."""
    tokens: int
    """As estimated."""
    seconds: float


class Job:
    """Of one worker."""

    def __init__(self, parts: Parts, worker: str, claimed: Claimed, reference: str, count: Callable[[int], None]) -> None:
        self._parts = parts
        self._worker = worker
        self.claimed = claimed
        self._reference = reference
        self._count = count
        self._run: Run | None = None
        self._left = False
        self._tokens = 0
        self._next_number = 0
        """Of the part that was being said, and that the asker waits for where it was not."""
        self.done: JobDone | None = None

    async def run(self) -> None:
        """Answers it, or says why not. Raises nothing."""
        started = asyncio.get_running_loop().time()
        asked_by, failure = "", None
        try:
            ask = self._read()
            asked_by = _who(ask.caller)
            failure = await self._answer(ask)
        except _Refused as refused:
            failure = refused.failure
            await self._refuse(failure)
        except (NobodyWaits, StateUnavailable):
            self._left = True
        except Exception as error:  # noqa: BLE001 - whatever a request brings about, the others go on
            failure = _failure(FailureKind.SERVER_ERROR, "fault", f"a fault of the worker: {type(error).__name__}")
            self._parts.warn(f"a request could not be run: {type(error).__name__}: {error}")
            await self._refuse(failure)
        self.done = JobDone(
            job=self.claimed.job,
            lane=self.claimed.lane,
            asked_by=asked_by,
            run_id="" if self._run is None else self._run.run_id,
            failure=failure,
            left=self._left,
            tokens=self._tokens,
            seconds=asyncio.get_running_loop().time() - started,
        )

    async def refuse_to_repeat(self) -> None:
        """It was here before, and is not run again. Raises nothing."""
        with contextlib.suppress(StateUnavailable):
            await self._parts.link.drop(self._worker, self.claimed)

    def nobody_waits(self) -> None:
        """Ends it now."""
        self._left = True
        if self._run is not None:
            self._run.cancel()

    def _read(self) -> Ask:
        body, job = self.claimed.body, self.claimed.job
        if not is_signed(self._parts.key, "ask", job, body, self.claimed.signature):
            raise _Refused(FailureKind.AUTH, "unsigned", "the request is not signed with the fleet's key")
        try:
            ask = read_ask(body)
        except BadMessage as bad:
            raise _Refused(FailureKind.PAYLOAD, "bad_request", f"the request {bad}") from None
        if (ask.job, ask.lane) != (job, self.claimed.lane):
            raise _Refused(FailureKind.PAYLOAD, "bad_request", "the request was meant for another lane")
        if ask.until <= self._parts.link.now():
            raise _Refused(FailureKind.TIMEOUT, "expired", "its time was up before it was begun")
        return ask

    async def _answer(self, ask: Ask) -> Failure | None:
        outbox = Outbox(ask.job, self._worker, self._say)
        relay = Relay(lambda piece: self._put(piece, outbox))
        seconds = min(ask.until - self._parts.link.now(), LONGEST_SECONDS)
        options = AskOptions(
            deadline_seconds=seconds,
            capture=self._parts.engine.may_keep(ask.capture),
            caller=ask.caller.get("name"),
            conversation=ask.caller.get("conversation"),
            correlation=ask.caller.get("correlation"),
            traceparent=ask.caller.get("traceparent"),
            command="fleet worker",
        )
        asked_by = {"asked_by": _who(ask.caller), "for_attempt": one_line(ask.attempt, 80)}
        run = self._run = self._parts.engine.relay(ask.request, self._reference, options, relay=relay, asked_by=asked_by)
        await outbox.put(Opened(request_id=run.run_id))
        view = RunView()
        delivering = asyncio.create_task(outbox.deliver())
        try:
            async with run:
                delivering.add_done_callback(lambda _: run.cancel())
                if self._left:
                    run.cancel()
                async for event in run:
                    view = fold(view, event)
            failure = failure_of(view, relay.failure, Timestamp(self._parts.link.now()))
            outbox.end(failure)
            await delivering
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
        return failure

    async def _put(self, piece: Piece, outbox: Outbox) -> None:
        if isinstance(piece, TextPiece | ThinkingPiece):
            tokens = text_tokens(piece.text)
            self._tokens += tokens
            self._count(tokens)
        await outbox.put(piece)

    async def _say(self, part: Part, content: bool) -> Literal["ok", "full", "gone"]:
        body = write_part(part)
        self._next_number = part.number
        if len(body) > LARGEST_ANSWER:
            words = f"a part of the answer has {len(body):,} bytes; the fleet takes {LARGEST_ANSWER:,}"
            raise _Refused(FailureKind.PROTOCOL, "too_large", words)
        signature = sign(self._parts.key, "answer", part.job, body)
        word = await self._parts.link.say(self._worker, self.claimed, body, signature, content=content, last=part.last)
        self._next_number += word == "ok"
        return word

    async def _refuse(self, failure: Failure) -> None:
        number = self._next_number
        with contextlib.suppress(StateUnavailable):
            await self._say(Part(job=self.claimed.job, worker=self._worker, number=number, failure=failure, last=True), False)


class _Refused(Exception):
    """A request that is not run."""

    def __init__(self, kind: FailureKind, rule: str, message: str) -> None:
        super().__init__(message)
        self.failure = _failure(kind, rule, message)


def _failure(kind: FailureKind, rule: str, message: str) -> Failure:
    return Failure(kind=kind, rule=f"worker.{rule}", message=message, matched=rule)


def _who(caller: Mapping[str, str]) -> str:
    """`user@host:pid`, as whoever asked says it."""
    user, host, pid = (one_line(caller.get(part, ""), 60) for part in ("user", "host", "pid"))
    return f"{user}@{host}:{pid}"
