"""Which candidate is called next: goes along the chain, asks the circuits, tells who was passed over, and waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from llmesc.escalation.allowances import Allowances
from llmesc.escalation.circuits import Admission, Circuit, Refusal, refusal
from llmesc.escalation.envelope import Allowance, Left
from llmesc.escalation.events import CandidateSkipped, Chain, SkipReason
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Request
from llmesc.escalation.patience import Patience
from llmesc.escalation.pieces import Provider
from llmesc.escalation.ports import CredentialsMissing, Fit, Health
from llmesc.escalation.report import Report
from llmesc.escalation.resolution import CircuitKey, ModelKey, Resolution
from llmesc.escalation.retry_budget import ALWAYS_ALLOWED, allows
from llmesc.escalation.run import EventStream
from llmesc.escalation.times import Clock, Timestamp
from llmesc.escalation.waiting import Busy, Choice, WaitOrEscalate
from llmesc.escalation.walk import Exclusion, ruled_out

OpenProvider = Callable[[Resolution], Awaitable[Provider]]
"""The wire of a candidate, credentials ready. Raises `CredentialsMissing`."""


Fits = Callable[[Resolution, Request], Fit]
"""Whether a candidate's wire can carry a request, told before it is called."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A candidate that may be called now, everything settled but the call itself."""

    resolution: Resolution
    admission: Admission
    provider: Provider
    repairs: tuple[str, ...]
    """What its wire changes in the request, in words."""
    allowance: Allowance
    timeouts: Timeouts
    is_last: bool = False
    """Nobody may be called after it, as far as is known."""
    against_circuit: bool = False
    """It is tried although its circuit, like all others, is open."""
    cost: Decimal | None = None
    """Of the call, as estimated."""
    instead_of: Choice | None = None
    """Who could have been waited for."""


class Selection:
    """The candidates of one run that are still to come."""

    def __init__(
        self,
        *,
        request: Request,
        chain: Chain,
        limits: Limits,
        health: Health,
        open_provider: OpenProvider,
        fits: Fits,
        timeouts_for: Callable[[Resolution], Timeouts],
        clock: Clock,
        random: Callable[[], float],
        stream: EventStream,
        report: Report,
    ) -> None:
        self._chain = chain
        self._left = deque(chain.candidates if limits.escalation else chain.candidates[:1])
        self._limits = limits
        self._health = health
        self._open_provider = open_provider
        self._fits = fits
        self._request = request
        self._clock = clock
        self._stream = stream
        self._report = report
        self._allowances = Allowances(request, health, timeouts_for)
        self._patience = Patience(health, clock, stream, random)
        self._excluded: dict[ModelKey, Exclusion] = {}
        self._shut: list[tuple[Resolution, Refusal]] = []
        """Those that an open circuit kept from being called."""
        self._against_circuit: Resolution | None = None
        self._circuits: Mapping[CircuitKey, Circuit] = {}
        """As they were when the last candidate was chosen."""
        self._retry_at: list[Timestamp] = []
        self.skipped = 0
        self.setup_seconds = 0.0
        """Spent on opening wires: a key command, weights fetched at first use. No part of the time for the run."""
        self.spent = False
        """Whether too little time or money was left to call a candidate."""
        self.first_skip: tuple[str, str] = ("", "")
        """Reason and detail of the first skip since the run began or `again`, for the announcement of a switch."""

    async def next(self, left: Callable[[], Left]) -> Selected | None:
        """The next candidate that may be called; those passed over are told, once each. `left`: of the run's limits, now."""
        await self._allowances.learn(self._left)
        await self._look()
        throttled = await self._throttled(left().attempts)
        while self._left:
            candidate = self._left.popleft()
            exclusion = self._excluded.get(candidate.model_key) or throttled or self._not_enough(candidate, left())
            if exclusion is not None:
                await self._skip(candidate, *exclusion)
                continue
            fit = self._fits(candidate, self._request)
            if fit.obstacle:
                await self._skip(candidate, fit.reason, fit.obstacle)
                continue
            if await self._refused(candidate):
                continue
            if (busy := self._rather(candidate, left())) is not None:
                self._left.appendleft(candidate)
                if not await self._wait(busy, left(), self._choice(candidate)):
                    return None
                continue
            admission = await self._admit(candidate)
            if admission is None:
                continue
            provider = await self._open(candidate, admission)
            if provider is not None:
                return self._selected(candidate, admission, provider, fit, left())
            if self._stream.interruptible.cancelled:
                return None
        return None

    def ask(self, request: Request) -> None:
        """What the next candidate is asked: the request, as it has grown."""
        self._request = request
        self._allowances.asked(request)

    def exclude(self, failed: Resolution, failure: Failure) -> None:
        """Rules out what `failed`'s failure makes not worth calling."""
        for other in self._left:
            if other.model_key not in self._excluded:
                exclusion = ruled_out(failed, failure, other, self._allowances.prompt_tokens)
                if exclusion is not None:
                    self._excluded[other.model_key] = exclusion

    def again(self, resolution: Resolution, request: Request) -> None:
        """`resolution` answered, and comes next once more, with `request` as it has grown: if it still may be called."""
        self._left.appendleft(resolution)
        self.ask(request)
        self.first_skip = ("", "")

    def retry(self, resolution: Resolution, at: Timestamp, *, busy: bool, probe: bool = False) -> None:
        """`resolution` may be tried again at `at`; `busy`: it is worth waiting for, `probe`: for another's to end."""
        self._retry_at.append(at)
        if busy:
            needs, cost = self._allowances.needs_seconds(resolution), self._allowances.cost(resolution)
            self._patience.note(Busy(resolution=resolution, at=at, needs_seconds=needs, cost=cost, probe=probe))

    def soonest(self) -> Timestamp | None:
        """When the soonest candidate may be tried again."""
        now = self._clock.now()
        return min((at for at in self._retry_at if at > now), default=None)

    async def later(self, left: Left) -> bool:
        """Nobody can be called: whether somebody can after all, after a wait for one who is busy or in spite of its circuit.

        Also true when the time for the run was spent on the wait.
        """
        if not self._limits.escalation or await self._throttled(left.attempts):
            return False
        busy = self._patience.earliest(left.seconds) if self._limits.wait else None
        if busy is not None:
            return await self._wait(busy, left)
        if self._limits.all_open == "fail" or self._against_circuit is not None or left.attempts < self._limits.max_attempts:
            return False
        return self._defy()

    def _defy(self) -> bool:
        """Puts the best of those with an open circuit back: as the chain has them, but last those that time alone does not heal
        and those whose provider said when to come back.
        """
        hopeless = (FailureKind.RATE_LIMIT, FailureKind.ACCOUNT, FailureKind.AUTH)
        kinds = [refused.cause.kind if refused.cause else "" for _, refused in self._shut]
        if not kinds:
            return False
        best = min(range(len(kinds)), key=lambda at: hopeless.index(kinds[at]) + 1 if kinds[at] in hopeless else 0)
        self._against_circuit = self._shut[best][0]
        self._left.append(self._against_circuit)
        return True

    async def _look(self) -> None:
        self._circuits = await self._health.circuits({candidate.circuit_key for candidate in self._left})

    async def _wait(self, busy: Busy, left: Left, instead_of: Choice | None = None) -> bool:
        """Waits, and puts whoever is free then before all others; whether the run may go on."""
        deadline = asyncio.get_running_loop().time() + left.seconds
        free = await self._patience.wait(busy, deadline, instead_of)
        if free is not None:
            self._left.appendleft(free)
            await self._look()
        return not self._stream.interruptible.cancelled

    async def _throttled(self, left_attempts: int) -> Exclusion | None:
        """Why no further call may be made, although the run has attempts left."""
        policy, chain = self._limits.retries, self._chain.name
        if self._limits.max_attempts - left_attempts < ALWAYS_ALLOWED or not policy.tokens:
            return None
        tokens = await self._health.retry_tokens(chain, 0.0, policy)
        if allows(tokens, policy):
            return None
        half = f"{tokens:.0f} of {policy.tokens:.0f} tokens are left, half or less"
        return ("retry_budget", f"too many calls of chain {chain} have failed lately: {half}")

    def _not_enough(self, candidate: Resolution, left: Left) -> Exclusion | None:
        exclusion = self._allowances.obstacle(candidate, left)
        self.spent = self.spent or exclusion is not None
        return exclusion

    def _choice(self, candidate: Resolution) -> Choice:
        return Choice(resolution=candidate, cost=self._allowances.cost(candidate))

    def _rather(self, candidate: Resolution, left: Left, policy: WaitOrEscalate | None = None) -> Busy | None:
        """Whom to wait for rather than to call `candidate`."""
        return self._patience.rather(
            policy or self._limits.wait_or_escalate,
            self._choice(candidate),
            left_seconds=left.seconds,
            left_attempts=left.attempts,
            other_needs_seconds=self._allowances.needs_seconds(candidate),
        )

    def _selected(self, candidate: Resolution, admission: Admission, provider: Provider, fit: Fit, left: Left) -> Selected:
        passed = self._rather(candidate, left, "wait") or self._rather(candidate, left, "cheaper")
        behind = self._behind(left.attempts)
        return Selected(
            candidate,
            admission,
            provider,
            fit.repairs,
            self._allowances.of(candidate, left, behind),
            self._allowances.timeouts(candidate, 1.0 if behind else self._limits.last_grace),
            is_last=not behind,
            against_circuit=candidate is self._against_circuit,
            cost=self._allowances.cost(candidate),
            instead_of=Choice(resolution=passed.resolution, at=passed.at, cost=passed.cost) if passed else None,
        )

    def _behind(self, left_attempts: int) -> list[Resolution]:
        """Those who may still be called after the one that is called now, as far as is known."""
        callable_ = [other for other in self._left if other.model_key not in self._excluded and not self._is_shut(other)]
        return callable_[: left_attempts - 1]

    def _is_shut(self, candidate: Resolution) -> Refusal | None:
        """Why its circuit refuses, as of the last look."""
        circuit = self._circuits.get(candidate.circuit_key)
        refused = refusal(circuit, candidate.circuit_key, self._clock.now()) if circuit is not None else None
        if refused is None or (refused.reason == "circuit_open" and self._defies(candidate)):
            return None
        return refused

    def _defies(self, candidate: Resolution) -> bool:
        return not self._limits.skip_open_circuits or candidate is self._against_circuit

    async def _refused(self, candidate: Resolution) -> bool:
        """Whether its circuit is known to refuse; it is told as skipped then."""
        refused = self._is_shut(candidate)
        if refused is None:
            return False
        if refused.reason == "circuit_open":
            self._shut.append((candidate, refused))
        limited = refused.cause is not None and refused.cause.kind == FailureKind.RATE_LIMIT
        await self._not_now(candidate, refused.reason, refused.retry_at, busy=limited)
        return True

    async def _open(self, candidate: Resolution, admission: Admission) -> Provider | None:
        """Its wire; where there is none the permission goes back, and a candidate without its key is told as skipped."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await self._stream.interruptible.wait(self._open_provider(candidate), float("inf"))
        except CredentialsMissing as missing:
            await self._report.neutral(admission)
            await self._skip(candidate, "no_credentials", str(missing))
        except Interrupted:
            await self._report.neutral(admission)
        finally:
            self.setup_seconds += loop.time() - began
        return None

    async def _admit(self, candidate: Resolution) -> Admission | None:
        """The permission of its circuit; without one the candidate is told as skipped."""
        circuit = self._circuits.get(candidate.circuit_key)
        if circuit is not None and self._defies(candidate) and refusal(circuit, candidate.circuit_key, self._clock.now()):
            return Admission(key=candidate.circuit_key, generation=circuit.generation)
        admission = await self._health.admit(candidate.circuit_key)
        if isinstance(admission, Refusal):
            probe = admission.reason == "probe_elsewhere"
            await self._not_now(candidate, admission.reason, admission.retry_at, busy=probe, probe=probe)
            return None
        return admission

    async def _not_now(
        self, candidate: Resolution, reason: SkipReason, retry_at: Timestamp | None, *, busy: bool, probe: bool = False
    ) -> None:
        if retry_at is not None:
            self.retry(candidate, retry_at, busy=busy, probe=probe)
        await self._skip(candidate, reason, "", retry_at)

    async def _skip(self, candidate: Resolution, reason: SkipReason, detail: str, retry_at: Timestamp | None = None) -> None:
        self.skipped += 1
        if not self.first_skip[0]:
            self.first_skip = (reason, detail)
        await self._stream.emit(CandidateSkipped, resolution=candidate, reason=reason, detail=detail, retry_at=retry_at)
