"""What many runs together came to: answers, time, money, calls, and how much of it is on record. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from llmesc.engine.simulation.rules import Played, PlayedCall
from llmesc.escalation.latency import nearest_rank
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import ModelKey
from llmesc.state.past import PastRun


@dataclass(slots=True)
class Calls:
    """Of one candidate, or of one provider."""

    calls: int = 0
    assumed: int = 0
    """Of them: what came of these is drawn from others."""
    cost: Decimal = Decimal(0)
    """US dollars, as far as they are known."""
    cost_unknown: int = 0
    """Calls of which it is not."""

    def add(self, call: PlayedCall) -> None:
        """One more."""
        self.calls += call.calls
        self.assumed += call.calls if call.source == "assumed" else 0
        if call.cost is None:
            self.cost_unknown += call.calls
        else:
            self.cost += call.cost

    def add_all(self, others: Calls) -> None:
        """All of those, too."""
        self.calls += others.calls
        self.assumed += others.assumed
        self.cost += others.cost
        self.cost_unknown += others.cost_unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Over some runs."""

    runs: int
    outcomes: Mapping[str, int]
    """A `PlayedOutcome` each."""
    assumed: int
    """Runs whose end is known, and rests on at least one assumed call; of the others all is on record."""
    p50_seconds: float | None
    """Of the answered runs: half of them took no longer. None: there are none."""
    p95_seconds: float | None
    candidates: Mapping[ModelKey, Calls]

    @property
    def answered(self) -> int:
        """Runs with an accepted answer."""
        return self.outcomes.get("answered", 0)

    @property
    def unknown(self) -> int:
        """Runs that came to somebody whom nobody knows."""
        return self.outcomes.get("unknown", 0)

    @property
    def share(self) -> tuple[float, float] | None:
        """The answered ones among all, 0 to 1: if no unknown one is answered, and if all of them are. None without runs."""
        return None if not self.runs else (self.answered / self.runs, (self.answered + self.unknown) / self.runs)

    @property
    def total(self) -> Calls:
        """Of all candidates."""
        return _together(self.candidates.values())

    @property
    def providers(self) -> Mapping[str, Calls]:
        """By the provider's name, what it did most of first."""
        names = dict.fromkeys(key.provider for key in self.candidates)
        found = {name: _together(calls for key, calls in self.candidates.items() if key.provider == name) for name in names}
        return dict(sorted(found.items(), key=lambda item: (-item[1].calls, item[0])))


def sums(played: Iterable[Played]) -> Sums:
    """Of these runs."""
    outcomes: Counter[str] = Counter()
    seconds: list[float] = []
    candidates: dict[ModelKey, Calls] = {}
    assumed = 0
    for run in played:
        outcomes[run.outcome] += 1
        if run.outcome == "answered":
            seconds.append(run.seconds)
        rests_on_others = False
        for call in run.calls:
            candidates.setdefault(call.key, Calls()).add(call)
            rests_on_others = rests_on_others or call.source == "assumed"
        assumed += rests_on_others and run.outcome != "unknown"
    seconds.sort()
    return Sums(
        runs=outcomes.total(),
        outcomes=dict(outcomes.most_common()),
        assumed=assumed,
        p50_seconds=nearest_rank(seconds, 0.5) if seconds else None,
        p95_seconds=nearest_rank(seconds, 0.95) if seconds else None,
        candidates=candidates,
    )


def gained(before: Sums, after: Sums) -> tuple[float, float] | None:
    """By how much the answered share rises, at least and at most: what is unknown may turn out either way. None without runs."""
    one, other = before.share, after.share
    return None if one is None or other is None else apart(one, other)


def apart(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    """By how much what is known to lie between two values rises, at least and at most."""
    return after[0] - before[1], after[1] - before[0]


def as_recorded(run: PastRun) -> Played:
    """What did come of it. Only of a run that came to an end of its own."""
    calls: list[PlayedCall] = []
    for call in run.calls:
        calls.append(PlayedCall(call.key, "recorded", call.cost, call.calls))
        calls += [PlayedCall(other, "recorded", cost, 1) for other, cost in call.beside]
    outcome: Any = run.outcome
    return Played(outcome, run.answered_by, run.seconds or 0.0, tuple(calls))


def _together(parts: Iterable[Calls]) -> Calls:
    total = Calls()
    for part in parts:
        total.add_all(part)
    return total
