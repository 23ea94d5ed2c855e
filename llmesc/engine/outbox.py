"""When the sinks get what was recorded: never while somebody waits for an answer, and never longer than a moment at the end.

While a process lives, what its runs recorded is delivered in the background once they have ended. A command that ends goes on
delivering for `exit_wait`; what is left then is for the next process, or for `llmesc records flush`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from llmesc.config.model import Config, SinkConfig
from llmesc.engine.sink_status import SinkStatus, standings
from llmesc.engine.sinks import sink_of
from llmesc.escalation.events import Event, RunFinished, RunStarted
from llmesc.escalation.ports import Consumer
from llmesc.escalation.times import Clock
from llmesc.state.open import random_part
from llmesc.state.process import is_gone, marked, this_process
from llmesc.state.resilient import ResilientStore
from llmesc.state.store import StateUnavailable, Store

if TYPE_CHECKING:
    from llmesc.records.delivery import Delivery, Left

T = TypeVar("T")

LULL_SECONDS = 0.5
"""How long after the end of a run delivery begins: whoever reads the answer comes first."""
LOOK_SECONDS = 5.0
"""Between two rounds without news: a sink that rested may be tried again, and other processes may have left something."""
BUSY_SECONDS = 0.1
"""Between two looks whether another process has delivered what `flush` is to deliver."""
LOAD_AFTER_SECONDS = 0.05
"""How long a run has to take before libraries of sinks are loaded beside it."""


class Outbox:
    """Of one engine. Without sinks it does nothing, and costs nothing."""

    def __init__(
        self,
        config: Config,
        store: ResilientStore,
        clock: Clock,
        environ: Mapping[str, str],
        base_dir: Path,
        warn: Callable[[str], None],
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._environ = environ
        self._base_dir = base_dir
        self._warn = warn
        self._running = 0
        self._recorded = asyncio.Event()
        """A run of this engine has left something that no round has looked at."""
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def consumers(self) -> tuple[Consumer, ...]:
        """What a run tells of itself. To stand behind the recorder: when the last event comes here, it is on record."""
        return () if self._task is None else (_Listener(self),)

    def begin(self) -> None:
        """Delivers in the background from now on."""
        if self._sinks:
            self._task = asyncio.create_task(self._in_background())

    async def aclose(self) -> None:
        """Delivers what the runs of this engine have left, for a moment; then lets go."""
        self._closing.set()
        if self._task is not None:
            await _ended(self._task, self._config.records.exit_wait_seconds)
        if "_deliveries" in self.__dict__:
            for delivery in self._deliveries:
                await delivery.sink.aclose()

    async def flush(self, names: Collection[str] = (), told: Callable[[str, int], None] | None = None) -> Mapping[str, Left]:
        """Delivers all that waits, for those sinks or all, by an operator's word: nobody is left to rest, and what was stopped is
        started. How it ended, by name. Raises `StateUnavailable`.
        """
        store = await self._store.direct()
        await follow(self._sinks, store)

        async def one(delivery: Delivery) -> Left:
            def tell(events: int) -> None:
                if told is not None:
                    told(delivery.name, events)

            waited = 0.0
            while (left := await delivery.run(store, by_operator=True, told=tell)) == "busy" and waited < delivery.lease_seconds:
                await asyncio.sleep(BUSY_SECONDS)
                waited += BUSY_SECONDS
            return left

        chosen = [delivery for delivery in self._deliveries if not names or delivery.name in names]
        return dict(zip([each.name for each in chosen], await _all(map(one, chosen)), strict=True))

    async def status(self) -> Sequence[SinkStatus]:
        """Every configured sink, and those that only the state knows. Raises `StateUnavailable`."""
        return await standings(self._sinks, await self._store.direct())

    async def checks(self) -> Mapping[str, tuple[bool, str]]:
        """Whether each sink can be reached, and what there is to tell, by name."""
        from llmesc.records.sinks.base import NotDelivered

        async def one(delivery: Delivery) -> tuple[bool, str]:
            try:
                await delivery.sink.prepare()
                return True, await delivery.sink.check()
            except NotDelivered as error:
                return False, str(error)

        found = await asyncio.gather(*map(one, self._deliveries))
        return dict(zip([delivery.name for delivery in self._deliveries], found, strict=True))

    # -- what runs tell ---------------------------------------------------------------------------------------------------------

    def run_began(self) -> None:
        """Somebody waits for an answer: nothing is delivered meanwhile. What a delivery needs is loaded beside the call."""
        self._running += 1
        asyncio.get_running_loop().call_later(LOAD_AFTER_SECONDS, self._load)

    def run_ended(self) -> None:
        """It has left something."""
        self._running -= 1
        self._recorded.set()

    # -- how --------------------------------------------------------------------------------------------------------------------

    @property
    def _sinks(self) -> tuple[SinkConfig, ...]:
        return self._config.records.sinks

    @cached_property
    def _deliveries(self) -> Sequence[Delivery]:
        from llmesc.records.delivery import Delivery
        from llmesc.state.outbox import Bounds

        async def read_run(run_id: str) -> Sequence[Event]:
            return await (await self._store.direct()).events(run_id)

        return [
            Delivery(
                sink.name,
                sink_of(
                    sink,
                    self._config,
                    environ=self._environ,
                    base_dir=self._base_dir,
                    clock=self._clock,
                    read_run=read_run,
                ),
                Bounds(max_age_seconds=sink.max_age_seconds, max_size_bytes=sink.max_size_bytes),
                batch_seconds=sink.timeout_seconds * _requests(sink),
                new_token=lambda: marked(this_process(), os.urandom(8).hex()),
                is_dead=is_gone,
                random=random_part,
                warn=self._warn,
            )
            for sink in self._sinks
        ]

    def _load(self) -> None:
        from threading import Thread

        kinds = {sink.kind for sink in self._sinks}
        Thread(target=_load, args=(kinds,), name="llmesc-preload", daemon=True).start()

    async def _in_background(self) -> None:
        """A round after each lull, and at the end one for what was left since the last."""
        while not self._closing.is_set() or self._recorded.is_set():
            await _first_of(self._recorded, self._closing, within_seconds=LOOK_SECONDS)
            await _first_of(self._closing, within_seconds=LULL_SECONDS)
            if self._recorded.is_set() or not (self._running or self._closing.is_set()):
                self._recorded.clear()
                await self._quietly()

    async def _quietly(self) -> None:
        """One round. A state that is away was warned of already, and the events wait in its spool."""
        with suppress(StateUnavailable):
            await self._round(await self._store.direct())

    async def _round(self, store: Store) -> None:
        await follow(self._sinks, store)
        await _all(delivery.run(store) for delivery in self._deliveries)


async def follow(sinks: Sequence[SinkConfig], store: Store) -> None:
    """From now on what is recorded waits for these sinks, too. Those that nobody has configured for long are forgotten."""
    from llmesc.state import outbox

    for sink in sinks:
        await store.change_sink(sink.name, outbox.followed(sink.max_age_seconds))
    for name in (await store.sinks()).keys() - {sink.name for sink in sinks}:
        if await store.change_sink(name, outbox.abandoned):
            await store.forget_sink(name)


def _load(kinds: Collection[str]) -> None:
    import llmesc.records.delivery
    import llmesc.records.sinks.jsonl

    if "webhook" in kinds:
        import llmesc.records.sinks.webhook
    if "otel" in kinds:
        with suppress(ImportError):  # the delivery says what is missing
            import llmesc.records.sinks.otel_export  # noqa: F401 - for what it takes to load


class _Listener:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def consume(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._outbox.run_began()
            case RunFinished():
                self._outbox.run_ended()
            case _:
                pass


def _requests(sink: SinkConfig) -> int:
    """How many one batch takes: each may last as long as the sink's time-out."""
    from llmesc.records.delivery import BATCH_EVENTS

    return {"jsonl": 1, "webhook": -(-BATCH_EVENTS // sink.batch), "otel": 2}[sink.kind]  # spans, then points


async def _all(work: Iterable[Awaitable[T]]) -> list[T]:
    """What each brings, when all have ended; raises what the first to fail raised."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return [each for each in done if not isinstance(each, BaseException)]


async def _first_of(*events: asyncio.Event, within_seconds: float) -> None:
    """Waits until one of them is set, at most so long."""
    if any(event.is_set() for event in events):
        return
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _ended(task: asyncio.Task[None], within_seconds: float) -> None:
    """Waits for it so long, and then ends it."""
    await asyncio.wait({task}, timeout=within_seconds)
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()  # a fault of ours is not to be hidden
