"""The live state as a feed: own runs from their handles, those of other processes from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from llmesc.dashboard.board import Board, StoreState
from llmesc.dashboard.followed import Followed
from llmesc.dashboard.news import News
from llmesc.dashboard.plots.trends import TrendReader, Trends
from llmesc.engine import AskOptions, CircuitLine, DayTotals, Engine, RunFilter, RunSummary, StateUnavailable
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.events import Event, RunFinished, RunOutcome
from llmesc.escalation.messages import Request
from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp
from llmesc.story.days import midnights_before

if TYPE_CHECKING:
    from llmesc.engine.serving.overview import FleetView

KEPT_RUNS = 10_000
"""Of the list; older ones are in `llmesc history list`."""

PAGE_RUNS = 500
"""Reading so many takes some 15 ms; the keys are looked at between two pages."""

NEWS_RUNS = 50
"""Read at each look: what began since, and what still runs, is among the newest."""

KEPT_VIEWS = 32
"""Of runs that ended and are not looked at; chosen again, they are read again."""

PAGE_EVENTS = 2_000
"""Decoding so many takes some 20 ms; the keys are looked at between two pages."""

LOOK_SECONDS = 1.0
"""Between two looks where there is no news: time alone makes a run that fell silent an interrupted one."""

TOTALS_SECONDS = 2.0


class LiveFeed:
    """Reads in one task, so that a slow store is never asked twice at once; starts and cancels runs of its own."""

    def __init__(self, engine: Engine, now: Callable[[], Timestamp]) -> None:
        self.version = 0
        self.accepted: str | None = None
        """The newest answer to a request of its own that was accepted."""
        self._engine = engine
        self._now = now
        self._runs: dict[str, RunSummary] = {}
        """Newest first."""
        self._listed: tuple[RunSummary, ...] | None = ()
        self._complete = True
        """Whether nothing between the newest and the oldest is missing."""
        self._followed = Followed(KEPT_VIEWS)
        self._unfinished: set[str] = set()
        """Runs of other processes that ran when they were last read: they are read once more when they no longer do."""
        self._own: dict[str, asyncio.Task[None]] = {}
        self._cancels: dict[str, Callable[[], None]] = {}
        self._chosen: str | None = None
        self._circuits: tuple[CircuitLine, ...] = ()
        self._denials: tuple[Denial, ...] = ()
        self._today: DayTotals | None = None
        self._trends = TrendReader(engine.operations)
        self._news = News(engine.operations.news)
        self._store = StoreState(place=_place(engine.config.state))
        self._failing: set[Callable[[], Awaitable[None]]] = set()
        """Readers that the store did not answer last time: one that had nothing to ask says nothing of the store."""

    # -- the feed -----------------------------------------------------------------------------------------------------------

    def board(self, now: Timestamp) -> Board:
        """What is known."""
        if self._listed is None:
            self._listed = tuple(self._runs.values())
        self._followed.stand({run.run_id for run in self._listed if run.outcome == "interrupted"})
        return Board(
            now=now,
            runs=self._listed,
            views=self._followed.views,
            timelines=self._followed.timelines,
            own=frozenset(self._cancels),
            circuits=self._circuits,
            denials=self._denials,
            policy=self._engine.config.circuit,
            today=self._today,
            store=self._store,
            events_seen=self._followed.seen,
        )

    def choose(self, run_id: str | None) -> None:
        """Its events are read from now on."""
        self._chosen = run_id

    async def events(self, run_id: str) -> Sequence[Event]:
        """All that are recorded, read in pages."""
        found: list[Event] = []
        while page := await self._engine.operations.run_events(run_id, found[-1].seq if found else -1, PAGE_EVENTS):
            found += page
            await asyncio.sleep(0)
        return found

    async def trends(self, now: Timestamp) -> Trends:
        """Read now, for whoever looks at the plots."""
        return await self._trends.read(now)

    async def fleet(self) -> FleetView:
        """Read now, for whoever looks at the fleet."""
        from llmesc.engine.serving.overview import look_at_fleet  # most who look at requests have no fleet

        return await look_at_fleet(self._engine)

    async def run(self) -> None:
        """Reads until it is cancelled; own runs are cancelled then, and their ends recorded."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._news.run())
                for read in (self._read_list, self._read_events, self._read_circuits):
                    group.create_task(self._every(LOOK_SECONDS, read))
                group.create_task(self._every(TOTALS_SECONDS, self._read_totals, on_news=False))
        finally:
            for task in self._own.values():
                task.cancel()
            await asyncio.gather(*self._own.values(), return_exceptions=True)

    # -- own runs -------------------------------------------------------------------------------------------------------------

    def start(self, request: Request, options: AskOptions, on_error: Callable[[Exception], None]) -> str:
        """Begins a run of this process; its id. What keeps it from beginning goes to `on_error`."""
        run = self._engine.start(request, options)

        async def follow() -> None:
            try:
                async with run:
                    self._cancels[run.run_id] = run.cancel
                    async for event in run:
                        self.see(event)
                        if isinstance(event, RunFinished) and event.outcome is RunOutcome.ANSWERED and event.answer is not None:
                            self.accepted = event.answer.text
            except LlmescError as error:
                on_error(error)
            finally:
                self._cancels.pop(run.run_id, None)
                self._own.pop(run.run_id, None)
                self.version += 1

        self._own[run.run_id] = asyncio.create_task(follow())
        return run.run_id

    def cancel(self, run_id: str) -> bool:
        """Ends an own run now; whether it was one that runs."""
        cancel = self._cancels.get(run_id)
        if cancel is not None:
            cancel()
        return cancel is not None

    def see(self, event: Event) -> None:
        """The next event of a run of this process."""
        self._followed.add(event)
        self.version += 1

    # -- reading ----------------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Reads requests and circuits now, and does not wait for the next turn. Raises `StateUnavailable`."""
        await self._read_list()
        await self._read_circuits()

    async def _every(self, seconds: float, read: Callable[[], Awaitable[None]], *, on_news: bool = True) -> None:
        while True:
            seen = self._news.count
            try:
                await read()
            except StateUnavailable as error:
                self._failing.add(read)
                since = self._store.away_since
                self._set_store(
                    StoreState(
                        place=self._store.place,
                        away_since=self._now() if since is None else since,
                        problem=_problem(error, self._engine.config.state),
                    )
                )
            else:
                self._failing.discard(read)
                if self._store.away_since is not None and not self._failing:
                    self._set_store(StoreState(place=self._store.place))
            if on_news:
                await self._news.wait(seen, seconds)
            else:
                await asyncio.sleep(seconds)

    def _set_store(self, state: StoreState) -> None:
        if state != self._store:
            self._store = state
            self.version += 1

    async def _read_list(self) -> None:
        newest = await self._engine.operations.history(RunFilter(limit=NEWS_RUNS))
        listed = {run.run_id for run in newest}
        if len(newest) == NEWS_RUNS and newest[-1].run_id not in self._runs:
            self._complete = False  # the beginning, or more came than one look takes
        ran = {run.run_id: run.started_at for run in self._runs.values() if run.outcome == "running" and run.run_id not in listed}
        self._take(newest)
        if not self._complete:
            await self._read_back(None)
            self._complete = True
        elif ran:
            still = {run.run_id for run in await self._engine.operations.history(RunFilter(outcome="running", limit=KEPT_RUNS))}
            if ended := [started_at for run_id, started_at in ran.items() if run_id not in still]:
                await self._read_back(min(ended))

    async def _read_back(self, since: Timestamp | None) -> None:
        """The list again, page by page, from the newest to those that began at `since`."""
        until: Timestamp | None = None
        for _ in range(KEPT_RUNS // (PAGE_RUNS - 1) + 1):  # the last of a page is the first of the next
            page = await self._engine.operations.history(RunFilter(since=since, until=until, limit=PAGE_RUNS))
            self._take(page)
            if len(page) < PAGE_RUNS:
                break
            until = page[-1].started_at
            await asyncio.sleep(0)

    def _take(self, read: Sequence[RunSummary]) -> None:
        """Puts what was read in its place, where it is new."""
        changed = [run for run in read if self._runs.get(run.run_id) != run]
        if not changed:
            return
        known = {**self._runs, **{run.run_id: run for run in changed}}
        ordered = sorted(known.values(), key=lambda run: run.started_at, reverse=True)[:KEPT_RUNS]
        self._runs = {run.run_id: run for run in ordered}
        self._listed = None
        self.version += 1

    async def _read_events(self) -> None:
        running = {run_id for run_id, run in self._runs.items() if run.outcome == "running"}
        wanted = running | self._unfinished | ({self._chosen} if self._chosen is not None else set())
        for run_id in wanted:
            if run_id in self._cancels or self._followed.ended(run_id):
                self._unfinished.discard(run_id)
                continue
            while page := await self._engine.operations.run_events(run_id, self._followed.last_seq(run_id), PAGE_EVENTS):
                for event in page:
                    self._followed.add(event)
                self.version += 1
                await asyncio.sleep(0)
            # Listed as ended before it was read: the record had its last event then, and now it is known.
            (self._unfinished.add if run_id in running else self._unfinished.discard)(run_id)
        self._followed.forget({*wanted, *self._cancels})

    async def _read_circuits(self) -> None:
        circuits = tuple(await self._engine.operations.circuits())
        denials = tuple(await self._engine.operations.denials())
        if (circuits, denials) != (self._circuits, self._denials):
            self._circuits, self._denials = circuits, denials
            self.version += 1

    async def _read_totals(self) -> None:
        _, midnight = midnights_before(self._now(), 1)
        today = await self._engine.operations.totals(midnight)
        if today != self._today:
            self._today = today
            self.version += 1


def _problem(error: StateUnavailable, url: str) -> str:
    """Without the path in front, which the header has no room for."""
    return str(error).removeprefix(f"{url.partition('://')[2]}: ")


def _place(url: str) -> str:
    """`sqlite`, `memory`, `redis`: no path and no password on the screen."""
    scheme = url.partition(":")[0]
    return "redis" if scheme == "rediss" else scheme
