"""What a run would do with each candidate of its chain, told without a call. Pure.

It walks as a run walks, by the same functions, and supposes that everybody who is called fails and that no time passes: what
then keeps the next one from being called is the reason told. What a failure would teach (a sibling at the same endpoint is passed
over, a circuit opens) depends on the failure, and is not foreseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from llmesc.escalation.allowances import Allowances
from llmesc.escalation.chain import move_of
from llmesc.escalation.circuits import (
    Admit,
    Circuit,
    CircuitPolicy,
    CircuitState,
    Refusal,
    admission,
    effective_state,
    next_state,
)
from llmesc.escalation.envelope import Left
from llmesc.escalation.events import Chain, Move, SkipReason
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Request
from llmesc.escalation.obstacles import Fits, Obstacle, Situation, best_of, goes_against, obstacle, throttled
from llmesc.escalation.ports import Fit
from llmesc.escalation.quick import quick
from llmesc.escalation.resolution import CircuitKey, ModelKey, Resolution
from llmesc.escalation.retry_budget import FAILED
from llmesc.escalation.times import Timestamp
from llmesc.escalation.waiting import Busy, Choice, earliest, rather_wait

Afterwards = Literal["wait_first", "wait", "try"]
"""What becomes of one that is passed over at first: it is waited for before the next is called (`wait_first`) or when nobody else
is left (`wait`), or tried in spite of its circuit, for all are open (`try`).
"""

_NEVER_USED = Circuit()

_SINGLE_CALL = Obstacle("single_call", "only the primary is called")

_NOBODY = "nobody"
"""Who asks a circuit here: nothing comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One candidate's turn, as `chain show` and `--dry-run` list it."""

    resolution: Resolution
    move: Move
    circuit: Circuit
    circuit_state: CircuitState
    """Overrides and ended cooldowns counted."""
    skip: SkipReason | None
    """Why it would be skipped now; None: it would be called."""
    detail: str = ""
    """The reason in words; of one that would be called, what its wire would change in the request."""
    retry_at: Timestamp | None = None
    afterwards: Afterwards | None = None
    """What would become of it though it is skipped at first: waited for, or tried all the same."""
    cost: Decimal | None = None
    """US dollars of the call, as estimated; None: not known."""
    timeouts: Timeouts | None = None
    """What it would be called with, the grace of the last candidate apart; None: it would be skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known of the candidates beforehand."""

    circuits: Mapping[CircuitKey, Circuit]
    policy: CircuitPolicy
    allowances: Allowances
    """That have learned how fast they are."""
    fits: Fits
    retry_tokens: float
    now: Timestamp


def foresee(chain: Chain, request: Request, limits: Limits, known: Knowledge) -> tuple[Planned, ...]:
    """Each candidate's turn, in order."""
    walk = _Walk(chain, request, limits, known)
    for candidate in chain.candidates:
        walk.turn(candidate)
    walk.nobody_is_left()
    return tuple(walk.planned)


class _Walk:
    def __init__(self, chain: Chain, request: Request, limits: Limits, known: Knowledge) -> None:
        self._chain = chain
        self._request = request
        self._limits = limits
        self._known = known
        self._made = 0
        self._ended: Obstacle | None = None
        """Why nobody else is called, whoever it is."""
        self._met()
        self._busy: list[Busy] = []
        self._waited_for: set[ModelKey] = set()
        self._shut: list[tuple[Resolution, Refusal]] = []
        self.planned: list[Planned] = []
        self._line = quick(Planned)

    def turn(self, candidate: Resolution) -> None:
        """The next candidate's."""
        why = self._why(candidate)
        if isinstance(why, Fit):
            why = self._asked(candidate, why)
        self._tell(candidate, why)
        if isinstance(why, Fit):
            self._count()
        elif why.refused is not None:
            self._note(candidate, why, why.refused)
        if not self._limits.escalation:
            self._ended = _SINGLE_CALL

    def _tell(self, candidate: Resolution, why: Obstacle | Fit) -> None:
        known = self._known
        circuit = known.circuits.get(candidate.circuit_key, _NEVER_USED)
        line = self._line(
            resolution=candidate,
            move=move_of(self._chain.candidates[0], candidate),
            circuit=circuit,
            circuit_state=effective_state(circuit, known.now),
            skip=None if isinstance(why, Fit) else why.reason,
            detail="; ".join(why.repairs) if isinstance(why, Fit) else _words(why, circuit),
            retry_at=None if isinstance(why, Fit) else why.retry_at,
            cost=known.allowances.cost(candidate),
            timeouts=known.allowances.timeouts(candidate, 1.0) if isinstance(why, Fit) else None,
        )
        self.planned.append(line)

    def nobody_is_left(self) -> None:
        """All had their turn, and nobody has answered."""
        left = self._left()
        if left.attempts <= 0 or not self._limits.escalation or self._situation.throttled:
            return
        busy = earliest(self._still_busy(), now=self._known.now, left_seconds=left.seconds) if self._limits.wait else None
        if busy is not None:
            self._mark(busy.resolution, "wait")
        elif self._limits.all_open == "try" and self._made == 0 and (best := best_of(self._shut)) is not None:
            while self._waits_first(best):
                pass  # nor is it tried where somebody is worth waiting for
            if self._left().attempts > 0:
                self._mark(best, "try")

    def _left(self) -> Left:
        limits = self._limits
        return Left(seconds=limits.deadline_seconds, dollars=limits.max_cost, attempts=limits.max_attempts - self._made)

    def _count(self) -> None:
        """One more is called. Nothing else changes what the next one meets."""
        self._made += 1
        self._met()

    def _met(self) -> None:
        """Makes out what the next one meets."""
        known, most = self._known, self._limits.max_attempts
        if self._made >= most:
            self._ended = Obstacle("max_attempts", f"no more than {most} are called")
        tokens = max(0.0, known.retry_tokens + self._made * FAILED)
        spent = throttled(self._made, tokens, self._chain.name, self._limits.retries)
        self._situation = Situation(self._request, self._left(), known.circuits, known.now, spent)

    def _why(self, candidate: Resolution) -> Obstacle | Fit:
        return self._ended or obstacle(candidate, self._situation, self._limits, self._known.allowances, self._known.fits)

    def _asked(self, candidate: Resolution, fit: Fit) -> Obstacle | Fit:
        """What comes of it where nothing stands in the way at first: somebody may be waited for before, and its circuit has the
        last word.
        """
        why: Obstacle | Fit = fit
        while isinstance(why, Fit) and self._waits_first(candidate):
            why = self._why(candidate)
        return self._not_admitted(candidate) or why if isinstance(why, Fit) else why

    def _waits_first(self, candidate: Resolution) -> bool:
        """Whether somebody is waited for, and called, before `candidate` is."""
        allowances, left = self._known.allowances, self._left()
        busy = rather_wait(
            self._limits.wait_or_escalate,
            self._still_busy(),
            Choice(resolution=candidate, cost=allowances.cost(candidate)),
            now=self._known.now,
            left_seconds=left.seconds,
            left_attempts=left.attempts,
            other_needs_seconds=allowances.needs_seconds(candidate),
        )
        if busy is None:
            return False
        self._mark(busy.resolution, "wait_first")
        self._waited_for.add(busy.resolution.model_key)
        self._count()
        return True

    def _still_busy(self) -> list[Busy]:
        return [busy for busy in self._busy if busy.resolution.model_key not in self._waited_for]

    def _not_admitted(self, candidate: Resolution) -> Obstacle | None:
        """What its circuit would say to who asks: another process may be probing it."""
        at, key = self._situation, candidate.circuit_key
        if goes_against(candidate, at, self._limits):
            return None
        asked, _ = next_state(at.circuits.get(key) or Circuit(), Admit(token=_NOBODY, holder=_NOBODY), at.now, self._known.policy)
        answer = admission(asked, key, _NOBODY, at.now)
        return Obstacle(answer.reason, refused=answer) if isinstance(answer, Refusal) else None

    def _note(self, candidate: Resolution, why: Obstacle, refused: Refusal) -> None:
        if why.reason == "circuit_open":
            self._shut.append((candidate, refused))
        probe = why.reason == "probe_elsewhere"
        if (probe or why.limited) and refused.retry_at is not None:
            allowances = self._known.allowances
            needs, cost = allowances.needs_seconds(candidate), allowances.cost(candidate)
            self._busy.append(Busy(resolution=candidate, at=refused.retry_at, needs_seconds=needs, cost=cost, probe=probe))

    def _mark(self, who: Resolution, afterwards: Afterwards) -> None:
        index = next(index for index, each in enumerate(self.planned) if each.resolution is who)
        self.planned[index] = replace(self.planned[index], afterwards=afterwards)


def _words(obstacle: Obstacle, circuit: Circuit) -> str:
    refused = obstacle.refused
    if refused is None:
        return obstacle.detail
    if refused.reason == "forced_open" and circuit.override:
        return circuit.override.why
    return f"{refused.cause.kind}: {refused.cause.message}" if refused.cause else ""
