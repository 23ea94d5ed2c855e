"""The handle on one run, and the stream of events between the executor and everybody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

from llmesc.escalation.events import Event, RunFinished
from llmesc.escalation.interrupt import Interruptible
from llmesc.escalation.origin import UNKNOWN, Origin
from llmesc.escalation.ports import Consumer
from llmesc.escalation.quick import quick
from llmesc.escalation.times import Clock

E = TypeVar("E", bound=Event)

BACKLOG = 1024
"""Events a reader may be behind before the executor waits for it: memory stays bounded with a slow reader."""


class EventStream:
    """Numbers the events of one run, hands each to the consumers, and only then to the reader."""

    def __init__(
        self,
        run_id: str,
        clock: Clock,
        consumers: Sequence[Consumer],
        warn: Callable[[str], None],
        origin: Origin = UNKNOWN,
    ) -> None:
        self.run_id = run_id
        self.origin = origin
        self.interruptible = Interruptible()
        self._clock = clock
        self._consumers = list(consumers)
        self._warn = warn
        self._started = clock.monotonic()
        self._seq = 0
        self._pending: deque[Event] = deque()
        self._changed: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._idle: asyncio.Future[None] | None = None
        self.reading = False

    async def emit(self, make: Callable[..., E], /, **fields: Any) -> E:
        """Makes the next event and delivers it. Raises nothing: a consumer that fails is dropped with a warning."""
        event = quick(make)(
            run_id=self.run_id,
            seq=self._seq,
            at=self._clock.now(),
            elapsed_ms=(self._clock.monotonic() - self._started) * 1000,
            **fields,
        )
        self._seq += 1
        for consumer in tuple(self._consumers):
            try:
                await consumer.consume(event)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the consumer's and not the run's
                self._consumers.remove(consumer)
                self._warn(f"{type(consumer).__name__} was dropped: {error}")
        self._pending.append(event)
        _resolve(self._changed)
        return event

    @property
    def crowded(self) -> bool:
        """Whether the reader is far behind."""
        return self.reading and len(self._pending) >= BACKLOG

    async def room(self) -> None:
        """Waits while the reader is far behind. Raises `Interrupted` when the run is cancelled."""
        while self.crowded:
            self._drained = asyncio.get_running_loop().create_future()
            await self.interruptible.wait(self._drained, float("inf"))

    async def caught_up(self) -> None:
        """Waits until the reader has dealt with all that was emitted. Raises `Interrupted` when the run is cancelled."""
        waits_for_more = self._changed is not None and not self._changed.done()
        if self.reading and not waits_for_more:
            self._idle = asyncio.get_running_loop().create_future()
            await self.interruptible.wait(self._idle, float("inf"))

    async def next(self) -> Event:
        """The next event for the reader."""
        while not self._pending:
            _resolve(self._idle)
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        event = self._pending.popleft()
        if self._drained is not None and len(self._pending) < BACKLOG // 2:
            _resolve(self._drained)
        return event

    def stop_reading(self) -> None:
        """The reader left; nothing waits for it any more."""
        self.reading = False
        self._pending.clear()
        _resolve(self._drained)
        _resolve(self._idle)


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


Walk = Callable[[], Awaitable[RunFinished]]
"""What a run does from its first event to its last."""


class Run:
    """`async with engine.start(request) as run: async for event in run: ...`

    The run begins on entering and is cancelled, at once and on record, on leaving. Every event reaches the recording consumers
    before it reaches the reader. One reader at a time.
    """

    def __init__(self, stream: EventStream, prepare: Callable[[], Awaitable[Walk]]) -> None:
        self.run_id = stream.run_id
        self._stream = stream
        self._prepare = prepare
        self._task: asyncio.Task[RunFinished] | None = None
        self._last_read = False

    async def __aenter__(self) -> Run:
        walk = await self._prepare()
        self._task = asyncio.ensure_future(self._produce(walk))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._task is not None, "a Run is entered before it is left"
        self.cancel()
        self._stream.stop_reading()
        # Shielded: a second cancel of our own task ends this wait, and the run still records its end if the loop lives on.
        await asyncio.shield(self._task)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._last_read:
            raise StopAsyncIteration
        assert self._task is not None, "a Run is entered before it is read"
        self._stream.reading = True
        event = await self._stream.next()
        self._last_read = isinstance(event, RunFinished)
        return event

    def cancel(self) -> None:
        """Ends the run now; the last event still comes."""
        self._stream.interruptible.cancel()

    async def finished(self) -> RunFinished:
        """Runs to the end, whoever reads or not, and gives the last event."""
        assert self._task is not None, "a Run is entered before it is awaited"
        return await asyncio.shield(self._task)

    async def _produce(self, walk: Walk) -> RunFinished:
        try:
            return await walk()
        finally:
            self._stream.interruptible.close()
