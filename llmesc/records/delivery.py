"""Hands what waits on to one sink: each event at least once, in the order of writing, and nothing forgotten before that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from typing import Literal

from llmesc.escalation.durations import format_duration
from llmesc.escalation.events import Event
from llmesc.escalation.untrusted import one_line
from llmesc.records.sinks.base import NotDelivered, Sink
from llmesc.state import outbox
from llmesc.state.outbox import Backoff, Bounds, IsDead, SinkState, Stretch, nobody_is_dead
from llmesc.state.store import Store

BATCH_EVENTS = 500
"""Handed over together, or some more: what was written together stays together."""
BATCH_BYTES = 1_000_000
LEASE_SECONDS = 30.0
"""Beyond the time that a batch may take. A process that dies holds up the others for so long."""
_PAGE = 1_000

Left = Literal["nothing", "busy", "failed", "stopped"]
"""How a round ended: all was delivered; another process is at it, or it rests; it failed; it wants no more."""


class Delivery:
    """Of one sink. Whoever delivers holds its lease; another process goes on where that one stopped."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        bounds: Bounds,
        *,
        batch_seconds: float,
        new_token: Callable[[], str],
        random: Callable[[], float],
        warn: Callable[[str], None],
        is_dead: IsDead = nobody_is_dead,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.sink = sink
        self._bounds = bounds
        self.lease_seconds = batch_seconds + LEASE_SECONDS
        self._new_token = new_token
        self._random = random
        self._warn = warn
        self._is_dead = is_dead
        self._backoff = backoff or Backoff()

    async def run(self, store: Store, *, by_operator: bool = False, told: Callable[[int], None] | None = None) -> Left:
        """Delivers all that waits; `told` hears how many events went. Raises `StateUnavailable`.

        One that is cancelled in the middle of a batch counts it as failed: a sink that does not answer must not cost every
        command its patience.
        """
        state = (await store.sinks()).get(self.name)
        if state is None:
            return "nothing"
        waiting = [stretch async for stretch in all_waiting(store, state.position)]
        if dropped := await store.change_sink(self.name, outbox.bounded(state.position, waiting, self._bounds)):
            self._warn_of_dropped(dropped)
            await _tidy(store)
        if not waiting and not (state.stopped and by_operator):
            return "stopped" if state.stopped else "nothing"
        free = outbox.is_free(by_operator=by_operator, is_dead=self._is_dead)
        if not await store.change_sink(self.name, free):  # nothing is loaded for one that rests
            return "stopped" if state.stopped else "busy"
        missing: NotDelivered | None = None
        try:
            await self.sink.prepare()
        except NotDelivered as error:
            missing = error
        except Exception as error:  # noqa: BLE001 - a library that cannot be loaded is no reason to fail a command
            missing = NotDelivered(f"{type(error).__name__}: {error}")

        async def work(token: str, state: SinkState) -> Left:
            if missing is not None:
                return await self._failed(store, token, missing)
            return await self._rounds(store, token, state, told)

        return await self._with_lease(store, work, by_operator=by_operator)

    async def _with_lease(self, store: Store, work: Callable[[str, SinkState], Awaitable[Left]], *, by_operator: bool) -> Left:
        token = self._new_token()
        state = await store.change_sink(
            self.name, outbox.claimed(token, self.lease_seconds, by_operator=by_operator, is_dead=self._is_dead)
        )
        if state is None:
            known = (await store.sinks()).get(self.name)
            return "stopped" if known is not None and known.stopped else "busy"
        try:
            return await work(token, state)
        except asyncio.CancelledError:
            unanswered = NotDelivered("no answer in the time that there was")
            await asyncio.shield(self._failed(store, token, unanswered))
            raise
        finally:
            await store.change_sink(self.name, outbox.released(token))
            await _tidy(store)

    async def _rounds(self, store: Store, token: str, state: SinkState, told: Callable[[int], None] | None) -> Left:
        position = state.position
        while stretches := _batch(await store.waiting(position, _PAGE)):
            events = await _read(store, stretches)
            try:
                if events:
                    await self.sink.deliver(events)
            except NotDelivered as error:
                return await self._failed(store, token, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the sink's, and what waits stays
                return await self._failed(store, token, NotDelivered(f"{type(error).__name__}: {error}"))
            position = stretches[-1].position
            missing = sum(stretch.events for stretch in stretches) - len(events)
            confirmation = outbox.confirmed(token, position, len(events), self.lease_seconds, missing=missing)
            if not await store.change_sink(self.name, confirmation):
                return "busy"
            if missing:
                self._warn(f"sink {self.name}: {missing:,} events were dropped: the record has them no more")
            if told is not None:
                told(len(events))
        return "nothing"

    async def _failed(self, store: Store, token: str, error: NotDelivered) -> Left:
        words = one_line(str(error))
        if error.for_good:
            await store.change_sink(self.name, outbox.stopped(token, words))
            self._warn(f"sink {self.name} wants no more: {words}; llmesc records flush starts it again")
            return "stopped"
        wait = error.retry_after_seconds
        await store.change_sink(self.name, outbox.failed(token, words, self._backoff, self._random(), wait))
        return "failed"

    def _warn_of_dropped(self, events: int) -> None:
        age, size = format_duration(self._bounds.max_age_seconds), f"{self._bounds.max_size_bytes:,} bytes"
        self._warn(
            f"sink {self.name}: {events:,} events were dropped and will never be delivered: "
            f"they waited for longer than {age}, or more than {size} waited; llmesc records status"
        )


async def _tidy(store: Store) -> None:
    """Forgets what no sink waits for any more."""
    up_to = outbox.delivered_to_all(await store.sinks())
    if (oldest := await store.waiting(0, 1)) and oldest[0].position <= up_to:
        await store.clear_outbox(up_to)


async def all_waiting(store: Store, position: int) -> AsyncIterator[Stretch]:
    """Page by page."""
    while page := await store.waiting(position, _PAGE):
        for stretch in page:
            yield stretch
        position = page[-1].position


def _batch(stretches: Sequence[Stretch]) -> Sequence[Stretch]:
    """As many of the first as go together; one at least, where there is one."""
    events = size = 0
    for index, stretch in enumerate(stretches):
        if index and (events + stretch.events > BATCH_EVENTS or size + stretch.size > BATCH_BYTES):
            return stretches[:index]
        events += stretch.events
        size += stretch.size
    return stretches


async def _read(store: Store, stretches: Sequence[Stretch]) -> list[Event]:
    """The events that they name, in the order of writing; those that are not there any more are missing."""
    found: list[Event] = []
    for run_id, group in groupby(stretches, key=lambda stretch: stretch.run_id):
        for first, last in _joined(group):
            events = await store.events(run_id, first - 1, last - first + 1)
            found += [event for event in events if event.seq <= last]
    return found


def _joined(stretches: Iterator[Stretch]) -> list[tuple[int, int]]:
    """First and last seq of each unbroken part: read at once."""
    parts: list[tuple[int, int]] = []
    for stretch in stretches:
        if parts and parts[-1][1] + 1 == stretch.first_seq:
            parts[-1] = (parts[-1][0], stretch.last_seq)
        else:
            parts.append((stretch.first_seq, stretch.last_seq))
    return parts
