"""Which candidate a played run calls next, and for whom it waits: what `Selection` does, by the same decisions, in simulated
time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence

from llmesc.engine.simulation.course import Course
from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.means import PlayedMeans
from llmesc.engine.simulation.rules import Rules
from llmesc.escalation.circuits import Admission, Refusal, is_being_probed
from llmesc.escalation.envelope import Left
from llmesc.escalation.failures import Failure
from llmesc.escalation.messages import Request
from llmesc.escalation.obstacles import (
    SPENT,
    Obstacle,
    Situation,
    best_of,
    goes_against,
    may_be_throttled,
    obstacle,
    shut,
    throttled,
)
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.escalation.waiting import LOOK_SECONDS, Busy, Choice, earliest, rather_wait, with_jitter
from llmesc.escalation.walk import Exclusion, rule_out

_NOTHING_ASKED = Request(messages=())
"""Whether a wire can carry a request is a fact of the record here, so no request is looked at."""

_FITS = Fit()

Chosen = tuple[Resolution, Admission]
"""Who may be called now, and the permission of its circuit."""


class Choosing:
    """The candidates of one run that are still to come."""

    def __init__(
        self, run_id: str, candidates: Sequence[Resolution], rules: Rules, health: Health, course: Course, means: PlayedMeans
    ) -> None:
        self._run_id = run_id
        self._rules = rules
        self._limits = rules.limits
        self._health = health
        self._course = course
        self._means = means
        self._queue = deque(candidates if rules.limits.escalation else candidates[:1])
        self._excluded: dict[ModelKey, Exclusion] = {}
        self._busy: dict[ModelKey, Busy] = {}
        self._preferred: set[ModelKey] = set()
        """Those that were waited for although somebody else could be called."""
        self._shut_out: list[tuple[Resolution, Refusal]] = []
        self._defied: Resolution | None = None
        self.spent = False
        """Whether too little time or money was left to call a candidate."""

    def next(self) -> Generator[Timestamp, None, Chosen | None]:
        """The next candidate that may be called."""
        out_of_tokens = self._throttled()
        while self._queue:
            candidate = self._queue.popleft()
            at = self._situation(self._course.left(), out_of_tokens)
            why = obstacle(candidate, at, self._limits, self._means, self._fits, self._excluded.get(candidate.model_key))
            if isinstance(why, Obstacle):
                self._passed_over(candidate, why)
            elif (busy := self._rather(candidate)) is not None:
                self._queue.appendleft(candidate)
                self._preferred.add(busy.resolution.model_key)
                yield from self._wait(busy)
            elif (admission := self._admit(candidate, at)) is not None:
                return candidate, admission
        return None

    def later(self) -> Generator[Timestamp, None, bool]:
        """Nobody can be called: whether somebody can after all, after a wait or in spite of its circuit."""
        if not self._limits.escalation or self._throttled():
            return False
        now, left_seconds = self._course.now, self._course.left().seconds
        busy = earliest(self._busy.values(), now=now, left_seconds=left_seconds) if self._limits.wait else None
        if busy is not None:
            yield from self._wait(busy)
            return True
        if self._limits.all_open == "fail" or self._defied is not None or self._course.made:
            return False
        self._defied = best_of(self._shut_out)
        if self._defied is not None:
            self._queue.append(self._defied)
        return self._defied is not None

    def behind(self, left: Left) -> list[Resolution]:
        """Those who may still be called after the one that is called now, as far as is known."""
        at = self._situation(left)
        able = [each for each in self._queue if each.model_key not in self._excluded and not shut(each, at, self._limits)]
        return able[: left.attempts - 1]

    def exclude(self, failed: Resolution, failure: Failure) -> None:
        """Rules out what `failed`'s failure makes not worth calling."""
        rule_out(self._excluded, failed, failure, self._queue, self._means.prompt_tokens)

    def note_busy(self, candidate: Resolution, at: Timestamp, *, probe: bool = False) -> None:
        """It is worth waiting for until then; `probe`: for another's to end."""
        needs, cost = self._means.needs_seconds(candidate), self._means.cost(candidate)
        self._busy[candidate.model_key] = Busy(resolution=candidate, at=at, needs_seconds=needs, cost=cost, probe=probe)

    # -- who may be called -------------------------------------------------------------------------------------------------------

    def _situation(self, left: Left, out_of_tokens: Exclusion | None = None) -> Situation:
        return Situation(_NOTHING_ASKED, left, self._health.circuits, self._course.now, out_of_tokens, self._defied)

    def _fits(self, candidate: Resolution, _request: Request) -> Fit:
        fact = self._rules.facts.get(candidate.model_key)
        return _FITS if fact is None else Fit(obstacle="as recorded", reason=fact)

    def _passed_over(self, candidate: Resolution, why: Obstacle) -> None:
        self.spent = self.spent or why.reason in SPENT
        if why.refused is None:
            return
        if why.refused.reason == "circuit_open":
            self._shut_out.append((candidate, why.refused))
        if why.limited and why.refused.retry_at is not None:
            self.note_busy(candidate, why.refused.retry_at)

    def _admit(self, candidate: Resolution, at: Situation) -> Admission | None:
        against = goes_against(candidate, at, self._limits)
        if against is not None:
            return Admission(key=candidate.circuit_key, generation=against.generation)
        answer = self._health.admit(candidate.circuit_key, f"{self._run_id}.{self._course.made}", self._course.now)
        if isinstance(answer, Admission):
            return answer
        if answer.reason == "probe_elsewhere" and answer.retry_at is not None:
            self.note_busy(candidate, answer.retry_at, probe=True)
        return None

    def _throttled(self) -> Exclusion | None:
        policy, chain, made = self._limits.retries, self._rules.chain.name, self._course.made
        if not may_be_throttled(made, policy):
            return None
        return throttled(made, self._health.retry_tokens(chain, 0.0, self._course.now, policy), chain, policy)

    # -- waiting -----------------------------------------------------------------------------------------------------------------

    def _rather(self, candidate: Resolution) -> Busy | None:
        """Whom to wait for rather than to call `candidate`."""
        if not self._busy or self._limits.wait_or_escalate == "escalate":
            return None
        left = self._course.left()
        return rather_wait(
            self._limits.wait_or_escalate,
            [busy for key, busy in self._busy.items() if key not in self._preferred],
            Choice(resolution=candidate, cost=self._means.cost(candidate)),
            now=self._course.now,
            left_seconds=left.seconds,
            left_attempts=left.attempts,
            other_needs_seconds=self._means.needs_seconds(candidate),
        )

    def _wait(self, busy: Busy) -> Generator[Timestamp, None, None]:
        """Waits for `busy`, or until a probe elsewhere has ended, or the time is spent; who is free then comes next."""
        course = self._course
        seconds = max(0.0, busy.at - course.now)
        lasts = seconds if busy.probe else with_jitter(seconds, self._health.random())
        end = min(course.seconds + lasts, course.deadline)
        free = busy
        while (left := end - course.seconds) > 0:
            yield course.go_on_in(min(left, LOOK_SECONDS) if self._probes() else left)
            if (probed := self._probed()) is not None:
                free = probed
                break
        if course.seconds < course.deadline:
            del self._busy[free.resolution.model_key]
            self._queue.appendleft(free.resolution)

    def _probes(self) -> list[Busy]:
        return [busy for busy in self._busy.values() if busy.probe]

    def _probed(self) -> Busy | None:
        """One whose probe is over, however it ended."""
        for busy in self._probes():
            if not is_being_probed(self._health.circuits.get(busy.resolution.circuit_key)):
                return busy
        return None
