"""A recorded run as a feed: at its recorded pace, faster, stepped, paused, backwards."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from llmesc.dashboard.board import Board, StoreState
from llmesc.engine import CircuitLine, RunSummary
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import CircuitChanged, Event, RunStarted, TextDelta, ThinkingDelta
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
"""Times the recorded pace."""

CHECKPOINT_EVENTS = 512
"""Going back folds again from the last of these: never more than so many events."""

TICK_SECONDS = 1 / 24


class Replay:
    """One run, and the moment of it that is shown. `advance`, `step` and `seek` move it; nothing here reads a clock."""

    def __init__(self, events: Sequence[Event], *, title: str = "replay") -> None:
        """`events`: all of one run, in order, at least one."""
        self._events = tuple(events)
        self._times = [event.elapsed_ms for event in self._events]
        self._stops = [index for index, event in enumerate(self._events) if not isinstance(event, TextDelta | ThinkingDelta)]
        """Where stepping halts, and what the timeline lists: every event but the tokens."""
        self._timeline: tuple[Event, ...] = ()
        self._checkpoints: list[RunView] = [RunView()]
        self._title = title
        self._view = RunView()
        self._at_ms = 0.0
        self.shown = 0
        """Events that have happened."""
        self.speed = 1.0
        self.playing = True
        self.version = 0
        self.seek(0.0)

    @property
    def length_ms(self) -> float:
        """From the first event to the last."""
        return self._times[-1]

    @property
    def at_ms(self) -> float:
        """The moment that is shown, since the run's start."""
        return self._at_ms

    @property
    def ended(self) -> bool:
        """Whether everything has happened."""
        return self.shown == len(self._events)

    def advance(self, seconds: float) -> None:
        """So much time passes while it plays; at the end it stops."""
        if self.playing and seconds > 0:
            self.seek(self._at_ms + seconds * 1000 * self.speed)
            self.playing = not self.ended

    def seek(self, at_ms: float) -> None:
        """Shows that moment."""
        self._at_ms = min(max(at_ms, 0.0), self.length_ms)
        self._show(bisect_right(self._times, self._at_ms))

    def step(self, by: int) -> None:
        """Forward (or back, where negative) by so many events, tokens not counted; it stops playing."""
        self.playing = False
        passed = bisect_right(self._stops, self.shown - 1)
        wanted = min(max(passed + by, 1), len(self._stops))
        index = self._stops[wanted - 1]
        self._at_ms = self._times[index]
        self._show(index + 1)

    def faster(self, by: int) -> None:
        """The next speed up or down."""
        here = SPEEDS.index(self.speed)
        self.speed = SPEEDS[min(max(here + by, 0), len(SPEEDS) - 1)]
        self.version += 1

    def toggle(self) -> None:
        """Plays or stops; at the end it begins again."""
        if self.ended and not self.playing:
            self.seek(0.0)
        self.playing = not self.playing
        self.version += 1

    def _show(self, count: int) -> None:
        self.version += 1
        if count < self.shown:
            checkpoint = min(count // CHECKPOINT_EVENTS, len(self._checkpoints) - 1)
            self._view, self.shown = self._checkpoints[checkpoint], checkpoint * CHECKPOINT_EVENTS
        while self.shown < count:
            self._view = fold(self._view, self._events[self.shown])
            self.shown += 1
            if self.shown == len(self._checkpoints) * CHECKPOINT_EVENTS:
                self._checkpoints.append(self._view)

    # -- as a feed --------------------------------------------------------------------------------------------------------

    def board(self, now: Timestamp) -> Board:  # noqa: ARG002 - the moment of a replay is its own
        """The run as it stood at the moment that is shown."""
        view = self._view
        listed = bisect_right(self._stops, self.shown - 1)
        if listed != len(self._timeline):
            self._timeline = tuple(self._events[index] for index in self._stops[:listed])
        began = self._events[0].at
        at = Timestamp(began + self._at_ms / 1000)
        return Board(
            now=at,
            runs=(self._summary(view),),
            views={self._events[0].run_id: view},
            timelines={self._events[0].run_id: self._timeline},
            circuits=_circuits(view),
            store=StoreState(instead=f"{self._title} · {self._place()}"),
            events_seen=self.shown,
        )

    def _place(self) -> str:
        state = "▶" if self.playing else "⏸"
        return f"{state} {self._at_ms / 1000:.1f} of {self.length_ms / 1000:.1f} s · ×{self.speed:g}"

    def _summary(self, view: RunView) -> RunSummary:
        started = self._events[0]
        totals = view.totals
        return RunSummary(
            run_id=started.run_id,
            started_at=started.at,
            finished_at=view.at if view.outcome is not None else None,
            outcome=view.outcome.value if view.outcome is not None else "running",
            chain=view.chain.name if view.chain is not None else "",
            prompt=view.request.prompt[:200] if view.request is not None else "",
            primary=view.chain.candidates[0].ref if view.chain is not None and view.chain.candidates else None,
            tried=tuple(dict.fromkeys(attempt.resolution.ref for attempt in view.attempts)),
            answered_by=view.answer.resolution.ref if view.answer is not None else None,
            attempts=len(view.attempts),
            cost=totals.cost if totals is not None else None,
            input_tokens=totals.usage.input_tokens if totals is not None else None,
            output_tokens=totals.usage.output_tokens if totals is not None else None,
            caller=started.caller if isinstance(started, RunStarted) else {},
        )

    def choose(self, run_id: str | None) -> None:
        """There is only one."""

    async def events(self, run_id: str) -> Sequence[Event]:  # noqa: ARG002 - there is only one
        """All of them, also those that have not happened yet."""
        return self._events

    async def run(self, monotonic: Callable[[], float] | None = None) -> None:
        """Lets time pass until it is cancelled."""
        clock = monotonic or asyncio.get_running_loop().time
        before = clock()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = clock()
            self.advance(now - before)
            before = now


def _circuits(view: RunView) -> tuple[CircuitLine, ...]:
    """As far as the run tells: every candidate's circuit, changed as it saw it."""
    known: dict[CircuitKey, CircuitLine] = {}
    for candidate in view.chain.candidates if view.chain is not None else ():
        key = candidate.circuit_key
        known.setdefault(key, CircuitLine(key=key, state="closed", circuit=Circuit(), configured=True))
    changes: Mapping[CircuitKey, CircuitChanged] = {change.key: change for change in view.circuits}
    for key, change in changes.items():
        circuit = Circuit(state=change.after, cause=change.cause, retry_at=change.retry_at)
        line = known.get(key) or CircuitLine(key=key, state="", circuit=circuit, configured=False)
        known[key] = replace(line, state=change.after.value, circuit=circuit)
    return tuple(known.values())
