"""One past run, played along a chain: what `Walker` does, in simulated time.

It is a generator that gives the moment at which it wants to go on, so that many runs share their circuits in the right order:
what a run learns at the end of a call is known to all that go on later, and to none that went on before.

Left out, because a record cannot tell what would have come: hedges that were not made then, a gate that holds back other
beginnings, answers that others go on with, other rounds of tools. What of these was recorded is played as it was.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from llmesc.engine.simulation.choosing import Choosing
from llmesc.engine.simulation.course import Course
from llmesc.engine.simulation.cut import Cut, cut
from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.learning import Learning
from llmesc.engine.simulation.means import PlayedMeans
from llmesc.engine.simulation.outcomes import Drawn, Outcomes
from llmesc.engine.simulation.rules import Played, PlayedCall, PlayedOutcome, Rules
from llmesc.escalation.circuits import Admission
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.latency import Latency
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.state.past import PastCall, PastRun

Ended = tuple[PlayedOutcome, ModelKey | None]
"""How, and whose answer there is."""


class Walk:
    """One run."""

    def __init__(self, run: PastRun, rules: Rules, health: Health, outcomes: Outcomes) -> None:
        self._run = run
        self._rules = rules
        self._limits = rules.limits
        self._health = health
        self._outcomes = outcomes
        self._course = Course(run.began, rules.limits)
        self._means = PlayedMeans(run, rules.timeouts, health)
        candidates: Sequence[Resolution] = rules.chain.candidates
        if health.denies:
            candidates = [each for each in candidates if not self._denied(each.model_key)]
        self._choosing = Choosing(run.run_id, candidates, rules, health, self._course, self._means)
        self._learning = Learning(health, self._course, rules.limits, rules.chain.name)
        self._turns: dict[ModelKey, int] = {}
        self._calls: list[PlayedCall] = []
        self._best: tuple[bool, int, ModelKey] | None = None
        """The best answer below the bar: whether it is complete, its score, whose it is."""
        self._unknown: ModelKey | None = None

    def play(self) -> Generator[Timestamp, None, Played]:
        """Walks to the end; gives each moment at which it wants to go on."""
        outcome, answered_by = yield from self._walk()
        return Played(outcome, answered_by, self._course.seconds, tuple(self._calls), self._unknown)

    def _denied(self, key: ModelKey) -> bool:
        """Whether a failure of an earlier run keeps it out. Whom the run did call, an operator may have allowed again."""
        return self._health.denied(key, self._run.began) and all(call.key != key for call in self._run.calls)

    def _walk(self) -> Generator[Timestamp, None, Ended]:
        course = self._course
        while course.made < self._limits.max_attempts:
            if course.seconds >= course.deadline:
                return "deadline", self._best_by
            chosen = yield from self._choosing.next()
            if chosen is not None:
                if (ended := (yield from self._call(*chosen))) is not None:
                    return ended
            # An answer below the bar in the hand is not made to wait for a better one.
            elif self._best is not None or not (yield from self._choosing.later()):
                break
        if self._best is not None:
            return "below_bar", self._best_by
        if self._choosing.spent:
            return "deadline", None
        return ("exhausted" if course.made else "nothing_callable"), None

    @property
    def _best_by(self) -> ModelKey | None:
        return None if self._best is None else self._best[2]

    def _call(self, candidate: Resolution, admission: Admission) -> Generator[Timestamp, None, Ended | None]:
        """Calls one candidate; what ends the run, or None to go on."""
        key, course = candidate.model_key, self._course
        price, repriced = self._rules.prices.get(key), key in self._rules.repriced
        drawn = self._outcomes.of(self._run, candidate, self._turns.get(key, 0), course.now, price=price, repriced=repriced)
        if drawn is None:
            self._unknown = key
            self._learning.neutral(admission)
            return "unknown", None
        call = drawn.call
        lead = call.lead_seconds if drawn.source == "recorded" else 0.0
        course.deadline += lead  # opening a wire is no part of the time for the run
        ending = self._cut(candidate, call, lead)
        yield course.go_on_in(lead + (call.held_seconds if ending is None else ending.seconds))
        self._turns[key] = self._turns.get(key, 0) + 1
        self._settle(key, drawn)
        if ending is None:
            return self._follow_up(candidate, admission, call)
        if ending.failure is None:
            self._learning.neutral(admission)
            return "deadline", key if ending.answered else self._best_by
        return self._failed(candidate, admission, ending.failure, ending.seconds)

    def _cut(self, candidate: Resolution, call: PastCall, lead: float) -> Cut | None:
        left = self._course.left()
        left = replace(left, seconds=left.seconds - lead) if lead else left
        differs = candidate.model_key in self._rules.timeouts_differ
        return cut(
            call,
            left,
            self._rules.timeouts[candidate.model_key] if differs else None,
            share=lambda: self._means.share(candidate, left, self._choosing.behind(left)),
            grace=lambda: 1.0 if self._choosing.behind(left) else self._limits.last_grace,
        )

    def _settle(self, key: ModelKey, drawn: Drawn) -> None:
        """It is over: it counts, whatever came of it."""
        beside = drawn.call.beside
        self._course.made += 1 + len(beside)
        self._calls.append(PlayedCall(key, drawn.source, drawn.cost, drawn.call.calls))
        self._calls += [PlayedCall(other, drawn.source, cost, 1) for other, cost in beside]
        self._course.spent += sum(cost for cost in (drawn.cost, *(cost for _, cost in beside)) if cost is not None)

    def _follow_up(self, candidate: Resolution, admission: Admission, call: PastCall) -> Ended | None:
        if call.hedged_away:
            self._health.took(candidate.model_key, Latency(call.seconds, None))
            self._learning.neutral(admission)
            return None
        if call.failure is not None:
            return self._failed(candidate, admission, call.failure, call.seconds)
        return self._judged(candidate.model_key, admission, call)

    def _failed(self, candidate: Resolution, admission: Admission, failure: Failure, seconds: float) -> Ended | None:
        retry_at = self._learning.failure(admission, candidate.model_key, failure, seconds)
        if retry_at is not None and failure.kind is FailureKind.RATE_LIMIT:
            self._choosing.note_busy(candidate, retry_at)
        if failure.consequence.stop or (failure.kind is FailureKind.CONTENT_POLICY and self._limits.stop_on_content_policy):
            return "policy", None
        self._choosing.exclude(candidate, failure)
        return None

    def _judged(self, key: ModelKey, admission: Admission, call: PastCall) -> Ended | None:
        """It answered: well enough by the threshold that holds here?"""
        passed = call.outcome == "success" if call.score is None else call.score >= self._limits.quality_threshold
        if passed:
            self._health.took(key, Latency(call.first_token_seconds, call.seconds))
            self._learning.success(admission, call.seconds)
            self._course.go_on_in(self._tail(call))
            return "answered", key
        self._learning.quality(admission, call.seconds)
        rank = call.complete, call.score or 0
        if self._best is None or rank >= self._best[:2]:
            self._best = (*rank, key)
        return None

    def _tail(self, call: PastCall) -> float:
        """What the run took behind its last call, where that was its last call then, too."""
        calls = self._run.calls
        return self._run.tail_seconds if calls and call is calls[-1] else 0.0
