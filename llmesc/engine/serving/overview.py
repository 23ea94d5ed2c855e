"""What an operator sees of the fleet, and says to it."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.engine.engine import Engine
from llmesc.engine.serving.meeting import meet
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.light_dataclass import dataclass
from llmesc.fleet.messages import DRAIN, WorkerSays
from llmesc.fleet.signature import sign
from llmesc.fleet.workers import Workers, room_of

__all__ = ["FleetView", "LaneLine", "WorkerSays", "drain_workers", "look_at_fleet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLine:
    """One lane that a living worker serves."""

    lane: str
    workers: tuple[str, ...]
    waiting: int
    running: int
    room: int
    """How many may run and wait; more are turned away as overloaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """All of it, at one moment."""

    place: str
    now: float
    """Seconds of the Redis's clock."""
    workers: tuple[WorkerSays, ...]
    lanes: tuple[LaneLine, ...]

    @property
    def tokens_per_second(self) -> float:
        """Of all workers together."""
        return sum(worker.tokens_per_second for worker in self.workers)


async def look_at_fleet(engine: Engine) -> FleetView:
    """Who lives, what they serve, and how busy they are. Raises `ConfigError`, `MissingPackage` and `StateUnavailable`."""
    async with meet(engine.config) as link:
        known = Workers(link, await engine.fleet_key())
        living = await known.living()
        lanes = sorted({lane for worker in living for lane in worker.lanes})
        told, loads = await link.survey(lanes)
        living = known.read(told)
        lines = [_line(lane, living, *loads[lane]) for lane in lanes]
        return FleetView(place=str(link.place), now=link.now(), workers=tuple(living), lanes=tuple(lines))


async def drain_workers(engine: Engine, names: Sequence[str]) -> Sequence[WorkerSays]:
    """Tells workers to take no more and to leave; those that were told. Raises `UnknownName`, and as `look_at_fleet` does."""
    key = await engine.fleet_key()
    async with meet(engine.config) as link:
        living = {worker.name: worker for worker in await Workers(link, key).living()}
        for name in names:
            if name not in living:
                raise UnknownName("worker", name, tuple(living))
        for name in names:
            await link.tell(name, DRAIN, sign(key, "word", name, DRAIN.encode()))
        return [living[name] for name in names]


def _line(lane: str, living: Sequence[WorkerSays], waiting: int, running: int) -> LaneLine:
    serving = [worker for worker in living if lane in worker.lanes]
    return LaneLine(
        lane=lane,
        workers=tuple(worker.name for worker in serving),
        waiting=waiting,
        running=running,
        room=room_of(lane, [worker for worker in serving if not worker.draining]),
    )
