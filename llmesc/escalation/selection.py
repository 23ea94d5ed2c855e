"""Which candidate is called next: goes along the chain, asks the circuits, tells who was passed over, and waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from llmesc.escalation.admissions import Admissions
from llmesc.escalation.allowances import Allowances
from llmesc.escalation.budget import LEASE_GRACE_SECONDS, Over
from llmesc.escalation.circuits import Admission, Refusal
from llmesc.escalation.envelope import Left
from llmesc.escalation.events import Chain, SkipReason
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted, Overtaken
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Request
from llmesc.escalation.obstacles import (
    SPENT,
    Fits,
    Obstacle,
    Situation,
    goes_against,
    may_be_throttled,
    obstacle,
    of_itself,
    shut,
    throttled,
    unaffordable,
)
from llmesc.escalation.opening import Opening
from llmesc.escalation.patience import Patience
from llmesc.escalation.pieces import Provider
from llmesc.escalation.ports import CredentialsMissing, Fit, Health
from llmesc.escalation.purse import Purse
from llmesc.escalation.report import Report
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.retry_budget import ALWAYS_ALLOWED
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import Selected
from llmesc.escalation.skips import Skips
from llmesc.escalation.times import Clock, Timestamp
from llmesc.escalation.waiting import Busy, Choice, WaitOrEscalate
from llmesc.escalation.walk import Exclusion, rule_out, ruled_out

_TOO_SLOW = Failure(kind=FailureKind.TIMEOUT, rule="selection.silent", message="it is silent, and may be for too long")
"""What a call that is hedged is taken for: whoever would be passed over after it is no better."""


class Selection:
    """The candidates of one run that are still to come."""

    def __init__(
        self,
        *,
        request: Request,
        chain: Chain,
        limits: Limits,
        health: Health,
        opening: Opening,
        skips: Skips,
        fits: Fits,
        timeouts_for: Callable[[Resolution], Timeouts],
        clock: Clock,
        random: Callable[[], float],
        stream: EventStream,
        report: Report,
        purse: Purse,
        next_number: Callable[[], int],
    ) -> None:
        """`next_number`: of the attempt that is made next."""
        self._chain = chain
        self._left = deque(chain.candidates if limits.escalation else chain.candidates[:1])
        self._limits = limits
        self._health = health
        self._admissions = Admissions(health, clock)
        self._opening = opening
        self._skips = skips
        self._fits = fits
        self._request = request
        self._clock = clock
        self._stream = stream
        self._report = report
        self._purse = purse
        self._next_number = next_number
        self._allowances = Allowances(request, health, timeouts_for, purse)
        self._patience = Patience(health, clock, stream, random)
        self._excluded: dict[ModelKey, Exclusion] = {}
        self.spent = False
        """Whether too little time or money was left to call a candidate."""

    async def next(self, left: Callable[[], Left]) -> Selected | None:
        """The next candidate that may be called; those passed over are told, once each. `left`: of the run's limits, now."""
        await self._allowances.learn(self._left)
        await self._admissions.look(self._left)
        out_of_tokens = await self._throttled(self._made(left()))
        while self._left:
            candidate, now = self._left.popleft(), left()
            at, ruled_out = self._situation(now, out_of_tokens), self._excluded.get(candidate.model_key)
            fit = obstacle(candidate, at, self._limits, self._allowances, self._fits, ruled_out)
            if isinstance(fit, Obstacle):
                await self._passed_over(candidate, fit)
                continue
            if (busy := self._rather(candidate, now)) is not None:
                self._left.appendleft(candidate)
                if not await self._wait(busy, now, self._choice(candidate)):
                    return None
                continue
            admission = await self._admit(candidate, now)
            if admission is None:
                continue
            try:
                provider = await self._open(candidate, admission, self._opening.open(candidate))
            except Interrupted:
                return None
            if provider is not None:
                now = left()  # opening took its time
                selected = await self._paid(self._selected(candidate, admission, provider, fit, now), now)
                if isinstance(selected, Selected):
                    return selected
                await self._report.neutral(admission)
                await self._passed_over(candidate, unaffordable(selected))
        return None

    async def beside(self, running: Selected, left: Left, unless: asyncio.Future[Any], deadline: float) -> Selected | None:
        """Whom to call beside `running`, which is silent: who would come next if that took too long. None where nobody may be
        called, and where `unless` is done first, or it is `deadline` (of the loop's clock).

        Those passed over are told, once each. But what only speaks against a second call at the same time (the money for both, a
        probe, somebody worth waiting for) leaves a candidate where it is.
        """
        if await self._throttled(ALWAYS_ALLOWED):
            return None
        await self._allowances.learn(self._left)
        await self._admissions.look(self._left)
        order = tuple(self._left)
        try:
            for candidate in order:
                if not ruled_out(running.resolution, _TOO_SLOW, candidate, self._allowances.prompt_tokens):
                    self._left.remove(candidate)
                    selected = await self._beside(candidate, running, left, unless, deadline)
                    if selected is not None or candidate in self._left:
                        return selected
        except (Interrupted, Overtaken):
            pass
        finally:
            self._left = deque(other for other in order if other in self._left)
        return None

    async def _beside(
        self, candidate: Resolution, running: Selected, left: Left, unless: asyncio.Future[Any], deadline: float
    ) -> Selected | None:
        """None where it was passed over, or put back. Raises what `_open` raises."""
        exclusion = self._excluded.get(candidate.model_key)
        at = self._situation(left)
        fit = Obstacle(*exclusion) if exclusion else of_itself(candidate, at, self._limits, self._fits)
        if isinstance(fit, Obstacle):
            await self._passed_over(candidate, fit)
            return None
        own = self._allowances.beside(running.resolution, running.allowance, candidate, left)
        if own is None or not self._suits(candidate, own):
            self._left.append(candidate)
            return None
        admission = await self._admit(candidate, left)
        if admission is None:
            return None
        if admission.token is not None:  # its circuit opened, and cooled down, since the last look
            await self._put_back(candidate, admission)
            return None
        provider = await self._open(candidate, admission, self._opening.open_beside(candidate, unless, deadline))
        if provider is not None and unless.done():
            await self._put_back(candidate, admission)
            return None
        if provider is None:
            return None
        selected = await self._paid(self._selected(candidate, admission, provider, fit, own), own)
        if isinstance(selected, Selected):
            return selected
        await self._put_back(candidate, admission)
        return None

    async def _paid(self, selected: Selected, left: Left) -> Selected | Over:
        """It has its money; or the budget that it could pass."""
        if not self._purse.holds:
            return selected
        candidate = selected.resolution
        reserved = await self._purse.reserve(
            candidate,
            self._allowances.most(candidate, replace(left, dollars=selected.allowance.dollars)),
            run_id=self._stream.run_id,
            attempt=self._next_number(),
            lease_seconds=max(left.seconds, 0.0) + LEASE_GRACE_SECONDS,
        )
        return reserved if isinstance(reserved, Over) else replace(selected, reserved=reserved)

    def _suits(self, candidate: Resolution, left: Left) -> bool:
        """Whether it may be called beside another with so much left."""
        enough = self._allowances.obstacle(candidate, left) is None and self._allowances.over_budget(candidate, left) is None
        return enough and not self._admissions.would_probe(candidate) and self._rather(candidate, left) is None

    def _situation(self, left: Left, throttled: Exclusion | None = None) -> Situation:
        known = self._admissions
        return Situation(self._request, left, known.circuits, self._clock.now(), throttled, known.defied)

    async def _passed_over(self, candidate: Resolution, why: Obstacle) -> None:
        """It is told as skipped."""
        self.spent = self.spent or why.reason in SPENT
        if why.refused is None:
            if why.begins_anew is not None:
                self._skips.retry(why.begins_anew)
            await self._skips.tell(candidate, why.reason, why.detail, why.begins_anew)
            return
        self._admissions.shut_out(candidate, why.refused)
        await self._not_now(candidate, why.reason, why.refused.retry_at, busy=why.limited)

    async def _put_back(self, candidate: Resolution, admission: Admission) -> None:
        """It is not called now after all, and comes first next time."""
        await self._report.neutral(admission)
        self._left.appendleft(candidate)

    def ask(self, request: Request) -> None:
        """What the next candidate is asked: the request, as it has grown."""
        self._request = request
        self._allowances.asked(request)

    def exclude(self, failed: Resolution, failure: Failure) -> None:
        """Rules out what `failed`'s failure makes not worth calling."""
        rule_out(self._excluded, failed, failure, self._left, self._allowances.prompt_tokens)

    def again(self, resolution: Resolution, request: Request) -> None:
        """`resolution` answered, and comes next once more, with `request` as it has grown: if it still may be called."""
        self._left.appendleft(resolution)
        self.ask(request)
        self._skips.forget_first()

    def spare(self, resolution: Resolution, *, soon: bool) -> None:
        """It was cancelled because another was first, and may still be called if that one does not answer in the end: next
        (`soon`), as a hedge that was only too late would have been; or last, as one that was too slow.
        """
        if soon:
            self._left.appendleft(resolution)
        else:
            self._left.append(resolution)

    def retry(self, resolution: Resolution, at: Timestamp, *, busy: bool, probe: bool = False) -> None:
        """`resolution` may be tried again at `at`; `busy`: it is worth waiting for, `probe`: for another's to end."""
        self._skips.retry(at)
        if busy:
            needs, cost = self._allowances.needs_seconds(resolution), self._allowances.cost(resolution)
            self._patience.note(Busy(resolution=resolution, at=at, needs_seconds=needs, cost=cost, probe=probe))

    async def later(self, left: Left) -> bool:
        """Nobody can be called: whether somebody can after all, after a wait for one who is busy or in spite of its circuit.

        Also true when the time for the run was spent on the wait.
        """
        if not self._limits.escalation or await self._throttled(self._made(left)):
            return False
        busy = self._patience.earliest(left.seconds) if self._limits.wait else None
        if busy is not None:
            return await self._wait(busy, left)
        if self._limits.all_open == "fail" or self._admissions.defied is not None or left.attempts < self._limits.max_attempts:
            return False
        defied = self._admissions.defy()
        if defied is not None:
            self._left.append(defied)
        return defied is not None

    async def _wait(self, busy: Busy, left: Left, instead_of: Choice | None = None) -> bool:
        """Waits, and puts whoever is free then before all others; whether the run may go on."""
        deadline = asyncio.get_running_loop().time() + left.seconds
        free = await self._patience.wait(busy, deadline, instead_of)
        if free is not None:
            self._left.appendleft(free)
            await self._admissions.look(self._left)
        return not self._stream.interruptible.cancelled

    async def _throttled(self, made: int) -> Exclusion | None:
        """Why a run that made so many calls may make no further one, although it has attempts left."""
        policy, chain = self._limits.retries, self._chain.name
        if not may_be_throttled(made, policy):
            return None
        return throttled(made, await self._health.retry_tokens(chain, 0.0, policy), chain, policy)

    def _made(self, left: Left) -> int:
        return self._limits.max_attempts - left.attempts

    def _choice(self, candidate: Resolution) -> Choice:
        return Choice(resolution=candidate, cost=self._allowances.cost(candidate))

    def _rather(self, candidate: Resolution, left: Left, policy: WaitOrEscalate | None = None) -> Busy | None:
        """Whom to wait for rather than to call `candidate`."""
        if self._patience.knows_nobody:
            return None
        return self._patience.rather(
            policy or self._limits.wait_or_escalate,
            self._choice(candidate),
            left_seconds=left.seconds,
            left_attempts=left.attempts,
            other_needs_seconds=self._allowances.needs_seconds(candidate),
        )

    def _selected(self, candidate: Resolution, admission: Admission, provider: Provider, fit: Fit, left: Left) -> Selected:
        passed = self._rather(candidate, left, "wait") or self._rather(candidate, left, "cheaper")
        behind = self._behind(left)
        hedge_after = None
        if behind and admission.token is None:  # a probe is there to find something out
            hedge_after = self._allowances.silence_allowed(candidate, self._limits.hedge_after)
        if hedge_after is not None:
            rest = self._allowances.less_hedge(left, behind[0])
            enough = self._allowances.obstacle(candidate, rest) is None
            left, hedge_after = (rest, hedge_after) if enough else (left, None)
        return Selected(
            candidate,
            admission,
            provider,
            fit.repairs,
            self._allowances.of(candidate, left, behind),
            self._allowances.timeouts(candidate, 1.0 if behind else self._limits.last_grace),
            is_last=not behind,
            against_circuit=candidate is self._admissions.defied,
            hedge_after_seconds=hedge_after,
            cost=self._allowances.cost(candidate),
            instead_of=Choice(resolution=passed.resolution, at=passed.at, cost=passed.cost) if passed else None,
        )

    def anybody_left(self, left: Left) -> bool:
        """Whether anybody may still be called, as far as is known."""
        return left.attempts > 0 and bool(self._callable(left))

    def _behind(self, left: Left) -> list[Resolution]:
        """Those who may still be called after the one that is called now, as far as is known."""
        return self._callable(left)[: left.attempts - 1]

    def _callable(self, left: Left) -> list[Resolution]:
        if not self._left:
            return []
        at = self._situation(left)
        return [other for other in self._left if other.model_key not in self._excluded and not shut(other, at, self._limits)]

    async def _open(self, candidate: Resolution, admission: Admission, opening: Awaitable[Provider]) -> Provider | None:
        """Its wire; a candidate without its key is told as skipped, and has none. Raises `Interrupted` and `Overtaken` where
        `opening` does: the candidate is put back then.
        """
        try:
            return await opening
        except CredentialsMissing as missing:
            await self._report.neutral(admission)
            await self._skips.tell(candidate, "no_credentials", str(missing))
            return None
        except (Interrupted, Overtaken):
            await self._put_back(candidate, admission)
            raise

    async def _admit(self, candidate: Resolution, left: Left) -> Admission | None:
        """The permission of its circuit; without one the candidate is told as skipped."""
        against = goes_against(candidate, self._situation(left), self._limits)
        admission = await self._admissions.admit(candidate, against)
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
        await self._skips.tell(candidate, reason, "", retry_at)
