"""Reads the answer to one request as it comes, and notices when nobody is at it any more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from llmesc.escalation.failures import FailureKind
from llmesc.escalation.pieces import Content, Opened, Piece
from llmesc.escalation.secret import Secret
from llmesc.fleet.failures import failed, from_afar
from llmesc.fleet.messages import BadMessage, Part, read_part
from llmesc.fleet.signature import is_signed
from llmesc.fleet.times import WATCH_SECONDS
from llmesc.fleet.workers import Workers, serves

if TYPE_CHECKING:
    from llmesc.fleet.link import Entry, Fate, Link

_AT_ONCE_SECONDS = 0.001


class Answer:
    """Of one request, in the lane that took it."""

    def __init__(self, link: Link, key: Secret | None, job: str, lane: str) -> None:
        self._link = link
        self._key = key
        self._job = job
        self._lane = lane
        self._worker = ""
        self._next = 0
        self._has_content = False

    async def pieces(self) -> AsyncGenerator[Piece]:
        """Raises `CallFailed` and `StateUnavailable`."""
        after, end = "0-0", None
        while True:
            entries = await self._link.read(self._job, after, WATCH_SECONDS if end is None else _AT_ONCE_SECONDS)
            if not entries:
                if end is not None:
                    raise end
                end = await self._ended(await self._link.watch(self._job))  # what was told before that is read first
                continue
            end = None
            for entry in entries:
                after = entry.id
                part = self._trusted(entry)
                if not self._is_next(part):
                    continue
                for piece in part.pieces:
                    self._has_content = self._has_content or isinstance(piece, Content)
                    yield Opened(_at(part.worker, piece.request_id)) if isinstance(piece, Opened) else piece
                if part.failure is not None:
                    raise from_afar(part.failure, part.worker)
                if part.last:
                    return
            await self._link.forget(self._job, entries)

    def _trusted(self, entry: Entry) -> Part:
        if not is_signed(self._key, "answer", self._job, entry.body, entry.signature):
            words = "an answer is not signed with the fleet's key: do all of it have the same?"
            raise failed(FailureKind.AUTH, "signature", words)
        try:
            part = read_part(entry.body)
        except BadMessage as bad:
            raise failed(FailureKind.PROTOCOL, "bad_answer", f"a part of the answer {bad}") from None
        if part.job != self._job:
            raise failed(FailureKind.PROTOCOL, "bad_answer", "a part of another answer")
        return part

    def _is_next(self, part: Part) -> bool:
        """Whether it has not come before. A worker that took over begins anew. Raises `CallFailed` where something is missing."""
        if part.worker != self._worker:
            if self._has_content:
                raise failed(FailureKind.PROTOCOL, "two_workers", "another worker went on in mid-answer")
            self._worker, self._next = part.worker, 0
        if part.number > self._next:
            raise failed(FailureKind.PROTOCOL, "gap", "a part of the answer is missing")
        fresh = part.number == self._next
        self._next += fresh
        return fresh

    async def _ended(self, fate: Fate) -> Exception | None:
        """Why nothing more will come; None where it may."""
        match fate.word:
            case "running":
                return None
            case "waiting":
                if serves(self._lane, await Workers(self._link, self._key).living()):
                    return None
                return failed(FailureKind.CONNECTION, "no_worker", f"the last worker of {self._lane} has left")
            case "orphaned" if not fate.begun and serves(
                self._lane, await Workers(self._link, self._key).living(), but=fate.worker
            ):
                return None  # another takes it over
            case "orphaned" | "lost":
                when = "in mid-answer" if self._has_content or fate.begun else "before it answered"
                who = f"worker {fate.worker}" if fate.worker else "the worker"
                return failed(FailureKind.CONNECTION, "worker_lost", f"{who} was lost {when}")
            case "gone":
                return failed(
                    FailureKind.CONNECTION, "gone", "the request is not there any more: its time is up, or Redis lost it"
                )
            case _:
                return failed(FailureKind.PROTOCOL, "no_end", "the answer has no end")


def _at(worker: str, run_id: str | None) -> str:
    """Who answers, and by which id its own record has the request: so that each end's record names the other."""
    return f"{worker}/{run_id}" if run_id else worker
