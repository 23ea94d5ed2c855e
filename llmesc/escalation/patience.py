"""The candidates of one run that are busy rather than broken, and the waiting for them. `waiting` decides; this one waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llmesc.escalation.circuits import is_being_probed
from llmesc.escalation.events import Waiting
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.ports import Health
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.run import EventStream
from llmesc.escalation.times import Clock, Timestamp
from llmesc.escalation.waiting import LOOK_SECONDS, Busy, Choice, WaitOrEscalate, earliest, rather_wait, with_jitter


class Patience:
    """Of one run."""

    def __init__(self, health: Health, clock: Clock, stream: EventStream, random: Callable[[], float]) -> None:
        self._health = health
        self._clock = clock
        self._stream = stream
        self._random = random
        self._busy: dict[ModelKey, Busy] = {}
        self._preferred: set[ModelKey] = set()
        """Those that were waited for although somebody else could be called."""

    @property
    def knows_nobody(self) -> bool:
        """Whether nobody is worth waiting for."""
        return not self._busy

    def note(self, busy: Busy) -> None:
        """A candidate is worth waiting for."""
        self._busy[busy.resolution.model_key] = busy

    def rather(
        self, policy: WaitOrEscalate, other: Choice, *, left_seconds: float, left_attempts: int, other_needs_seconds: float
    ) -> Busy | None:
        """Whom to wait for although `other` could be called at once; see `waiting`."""
        return rather_wait(
            policy,
            [busy for key, busy in self._busy.items() if key not in self._preferred],
            other,
            now=self._clock.now(),
            left_seconds=left_seconds,
            left_attempts=left_attempts,
            other_needs_seconds=other_needs_seconds,
        )

    def earliest(self, left_seconds: float) -> Busy | None:
        """Whom to wait for where nobody can be called; see `waiting`."""
        return earliest(self._busy.values(), now=self._clock.now(), left_seconds=left_seconds)

    async def wait(self, busy: Busy, deadline: float, instead_of: Choice | None = None) -> Resolution | None:
        """Waits for `busy`, or until a probe elsewhere has ended; who may be tried now.

        None where the run was cancelled, or `deadline` (of the loop's clock) came first.
        """
        loop = asyncio.get_running_loop()
        seconds = max(0.0, busy.at - self._clock.now())
        if not busy.probe:
            seconds = with_jitter(seconds, self._random())
        if instead_of is not None:
            self._preferred.add(busy.resolution.model_key)
        await self._stream.emit(
            Waiting,
            until=Timestamp(self._clock.now() + seconds),
            resolution=busy.resolution,
            because="probe_elsewhere" if busy.probe else FailureKind.RATE_LIMIT,
            cost=busy.cost,
            instead_of=instead_of,
        )
        try:
            free = await self._until(busy, min(loop.time() + seconds, deadline))
        except Interrupted:
            return None
        if loop.time() >= deadline:
            return None
        del self._busy[free.resolution.model_key]
        return free.resolution

    async def _until(self, busy: Busy, end: float) -> Busy:
        """`busy` at `end`, or before that one whose probe has ended elsewhere. Raises `Interrupted`."""
        loop = asyncio.get_running_loop()
        while (left := end - loop.time()) > 0:
            pause = min(left, LOOK_SECONDS) if self._probes() else left
            await self._stream.interruptible.wait(asyncio.sleep(pause), float("inf"))
            if (free := await self._probed()) is not None:
                return free
        return busy

    def _probes(self) -> list[Busy]:
        return [busy for busy in self._busy.values() if busy.probe]

    async def _probed(self) -> Busy | None:
        """One whose probe is over, however it ended."""
        probes = self._probes()
        if not probes:
            return None
        circuits = await self._health.circuits({busy.resolution.circuit_key for busy in probes})
        for busy in probes:
            if not is_being_probed(circuits.get(busy.resolution.circuit_key)):
                return busy
        return None
