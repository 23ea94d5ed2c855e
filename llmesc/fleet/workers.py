"""The workers that live, as they say themselves: what is not signed, or is no such message, counts as nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from llmesc.escalation.secret import Secret
from llmesc.fleet.lanes import Lane
from llmesc.fleet.messages import WorkerSays, read_worker
from llmesc.fleet.signature import is_signed

if TYPE_CHECKING:
    from llmesc.fleet.link import Entry, Link


class Workers:
    """Those at one Redis."""

    def __init__(self, link: Link, key: Secret | None) -> None:
        self._link = link
        self._key = key

    async def living(self) -> Sequence[WorkerSays]:
        """By name. Raises `StateUnavailable`."""
        told, _ = await self._link.survey()
        return self.read(told)

    def read(self, told: Iterable[Entry]) -> Sequence[WorkerSays]:
        """Those among `told` that can be trusted, by name."""
        found = [worker for each in told if (worker := self._trusted(each)) is not None]
        return sorted(found, key=lambda worker: worker.name)

    def _trusted(self, told: Entry) -> WorkerSays | None:
        if not is_signed(self._key, "worker", "", told.body, told.signature):
            return None
        try:
            worker = read_worker(told.body)
            for lane in worker.lanes:
                Lane.parse(lane)
        except ValueError:  # `BadMessage` is one
            return None
        return worker


def room_of(lane: str, workers: Iterable[WorkerSays]) -> int:
    """How many requests a lane holds: what its workers run at once and let wait, together."""
    return sum(worker.concurrency + worker.queue for worker in workers if lane in worker.lanes)


def serves(lane: str, workers: Iterable[WorkerSays], *, but: str = "") -> bool:
    """Whether a worker, other than `but`, takes what comes into a lane."""
    return any(lane in worker.lanes and not worker.draining and worker.name != but for worker in workers)
