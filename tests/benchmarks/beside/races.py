"""What everybody does in turn: calls, failovers, streams. A B A B …, the order turned round each time, the first round
dropped."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tests.benchmarks.beside.contestants.route import Chain
from tests.benchmarks.beside.drive import Worker
from tests.benchmarks.beside.environments import Absent
from tests.benchmarks.beside.field import Field
from tests.benchmarks.beside.figures import Figures
from tests.benchmarks.beside.mock import ANSWER, streamed
from tests.benchmarks.beside.provider import Provider

TURN_SECONDS = 0.2
"""About how long one contestant is busy in one round: long beside a scheduler's slice, short beside a machine's drift."""
MOST_CALLS = 400
CALLS_A_LANE = 8
"""At least, where many call at once: what they cost depends on how they fall together."""
SLOW_SECONDS, SLOW_EVERY = 1.5, 3
"""Whose turn takes longer than this races in one of so many rounds: 20 streams of 2,000 tokens keep LiteLLM busy for 16 s."""
PATIENCE_SECONDS = 180.0
CROWDS_ONLY = frozenset({"httpx-kept"})
"""Who differs from another contestant only where many call at once."""


@dataclass(frozen=True)
class Race:
    """One thing to do, and what of it is told."""

    name: str
    title: str
    routes: Sequence[str] = ("ok",)
    """Of the mock; the last one answers."""
    tokens: int = 0
    """Streamed; 0: not streamed."""
    at_once: int = 1
    told: Literal["cpu", "wall", "first"] = "cpu"
    between: bool = False
    """Whether contestants must be put right after each call."""

    @property
    def expect(self) -> str:
        """The text that whoever did the work has."""
        return streamed(self.tokens) if self.tokens else ANSWER

    @property
    def connect(self) -> bool:
        """Whether a turn begins with calls that do not count. Not where it would take long, and connecting be next to nothing."""
        return not (self.tokens and self.at_once > 1)

    @property
    def unit(self) -> str:
        return "ms" if self.told == "first" else "µs a token" if self.tokens else "µs a call"

    def value(self, took: Mapping[str, Any], calls: int) -> float:
        """What one contestant's round comes to."""
        if self.told == "first":
            return statistics.median(took["first_us"]) / 1000
        return float(took[f"{self.told}_us"]) / (calls * (self.tokens or 1))


RACES = (
    Race("calls.alone", "one call, alone: CPU"),
    Race("calls.alone-wall", "one call, alone: time", told="wall"),
    Race("calls.50", "50 calls at once: CPU each", at_once=50),
    Race("failover.503", "503, then an answer: CPU", ("503", "ok")),
    Race("failover.refused", "connection refused, then an answer: CPU", ("refused", "ok")),
    Race("failover.401", "401, then an answer: CPU", ("401", "ok"), between=True),
    Race("streams.first", "time to the first token", ("n50",), tokens=50, told="first"),
    Race("streams.alone", "2,000 tokens: CPU each", ("n2000",), tokens=2000),
    Race("streams.20", "20 streams of 2,000 tokens at once: CPU each", ("n2000",), tokens=2000, at_once=20),
)


class NotDone(Exception):
    """A contestant is there, and did not do this race's work."""


class Track:
    """The workers of a field, all alive at once."""

    def __init__(self, field: Field, provider: Provider, folder: Path) -> None:
        self._field, self._provider, self._folder = field, provider, folder
        self._workers: dict[str, Worker] = {}

    def __enter__(self) -> Track:
        self._opened = ExitStack()
        for name, who in list(self._field.contestants.items()):
            try:
                self._workers[name] = self._opened.enter_context(Worker(who, self._folder))
            except Absent as absent:
                self._field.drop(name, str(absent))
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def run(self, race: Race, rounds: int) -> Figures:
        """Every round of one race. Whoever fails in it is absent from it, and the reason is kept."""
        values: dict[str, list[float | None]] = {
            name: [] for name in self._workers if race.at_once > 1 or name not in CROWDS_ONLY
        }
        calls, slow = dict[str, int](), dict[str, bool]()
        for turn in range(rounds + 1):
            names = list(values)
            for name in names if turn % 2 else reversed(names):
                try:
                    if name not in calls:
                        calls[name], slow[name] = self._paced(name, race)
                    if turn and not (slow[name] and turn % SLOW_EVERY != 1):
                        took = self._ask(name, race, calls[name])
                        values[name].append(race.value(took, calls[name]))
                    elif turn:
                        values[name].append(None)
                except (NotDone, Absent) as reason:
                    del values[name]
                    self._field.absent[f"{name} in {race.name}"] = str(reason)
                    if isinstance(reason, Absent):  # what it may still answer would be taken for another race's
                        self._workers.pop(name).kill()
        return Figures(race.name, race.title, race.unit, values)

    def _paced(self, name: str, race: Race) -> tuple[int, bool]:
        """How many calls fill a turn, and whether that is long. The first ones connect: unless slow, they tell nothing."""
        few = race.at_once
        seconds = self._ask(name, race, few)["wall_us"] / 1e6
        if seconds < SLOW_SECONDS:
            few = race.at_once if race.at_once > 1 or race.tokens else 5
            seconds = self._ask(name, race, few)["wall_us"] / 1e6
        calls = min(int(TURN_SECONDS / seconds * few), MOST_CALLS) // race.at_once
        least = 1 if race.at_once == 1 or race.tokens else CALLS_A_LANE
        return max(least, calls) * race.at_once, seconds > SLOW_SECONDS

    def _ask(self, name: str, race: Race, calls: int) -> dict[str, Any]:
        worker = self._workers[name]
        chain = Chain(self._provider.bases(*race.routes), variant=worker.who.variant)
        asked: dict[str, Any] = {"stream": bool(race.tokens), "calls": calls, "at_once": race.at_once, "expect": race.expect}
        self._provider.counts()
        asked |= {"chain": asdict(chain), "connect": race.connect, "between": race.between}
        took = worker.ask(asked, PATIENCE_SECONDS)
        if "error" in took:
            raise NotDone(took["error"])
        served, wanted = self._provider.counts(), calls + (race.at_once if race.connect else 0)
        for route in race.routes:
            if route != "refused" and served.get(route, 0) != wanted:
                raise NotDone(f"sent {served.get(route, 0)} requests to {route} in {wanted} calls")
        return took


def run(track: Track, groups: Sequence[str], rounds: int) -> Iterator[Figures]:
    """The races of some groups."""
    for race in RACES:
        if race.name.partition(".")[0] in groups:
            yield track.run(race, rounds)
