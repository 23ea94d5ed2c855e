"""Which candidate is called next: goes along the chain, asks the circuits, tells who was passed over, and waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from llmesc.escalation.circuits import Admission, Circuit, Refusal, refusal
from llmesc.escalation.events import CandidateSkipped, Chain, SkipReason, Waiting
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, estimate_tokens
from llmesc.escalation.pieces import Provider
from llmesc.escalation.ports import CredentialsMissing, Fit, Health
from llmesc.escalation.report import Report
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.escalation.run import EventStream
from llmesc.escalation.times import Clock, Timestamp
from llmesc.escalation.walk import Exclusion, estimated_cost, ruled_out

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
        clock: Clock,
        stream: EventStream,
        report: Report,
    ) -> None:
        self._left = deque(chain.candidates if limits.escalation else chain.candidates[:1])
        self._limits = limits
        self._health = health
        self._open_provider = open_provider
        self._fits = fits
        self._request = request
        self._clock = clock
        self._stream = stream
        self._report = report
        self._prompt_tokens = estimate_tokens(request)
        self._output_tokens = request.max_output_tokens or 0
        self._excluded: dict[ModelKey, Exclusion] = {}
        self._later: dict[ModelKey, tuple[Resolution, Timestamp]] = {}
        """Rate-limited candidates, and those whose probe is elsewhere: busy rather than broken, so worth waiting for."""
        self._retry_at: list[Timestamp] = []
        self.skipped = 0
        self.setup_seconds = 0.0
        """Spent on opening wires: a key command, weights fetched at first use. No part of the time for the run."""
        self.over_budget = False
        """Whether the cost cap kept a candidate from being called."""
        self.first_skip: tuple[str, str] = ("", "")
        """Reason and detail of the first skip since the run began or `again`, for the announcement of a switch."""

    async def next(self, spent: Decimal) -> Selected | None:
        """The next candidate that may be called; those passed over are told, once each. `spent`: US dollars of this run."""
        circuits = await self._health.circuits({candidate.circuit_key for candidate in self._left})
        while self._left:
            candidate = self._left.popleft()
            exclusion = self._excluded.get(candidate.model_key) or self._over_budget(candidate, spent)
            if exclusion is not None:
                await self._skip(candidate, *exclusion)
                continue
            fit = self._fits(candidate, self._request)
            if fit.obstacle:
                await self._skip(candidate, "unsupported", fit.obstacle)
                continue
            admission = await self._admit(candidate, circuits.get(candidate.circuit_key))
            if admission is None:
                continue
            provider = await self._open(candidate, admission)
            if provider is not None:
                return Selected(candidate, admission, provider, fit.repairs)
            if self._stream.interruptible.cancelled:
                return None
        return None

    def exclude(self, failed: Resolution, failure: Failure) -> None:
        """Rules out what `failed`'s failure makes not worth calling."""
        for other in self._left:
            if other.model_key not in self._excluded:
                exclusion = ruled_out(failed, failure, other, self._prompt_tokens)
                if exclusion is not None:
                    self._excluded[other.model_key] = exclusion

    def again(self, resolution: Resolution, request: Request) -> None:
        """`resolution` answered, and comes next once more, with `request` as it has grown: if it still may be called."""
        self._left.appendleft(resolution)
        self._request = request
        self._prompt_tokens = estimate_tokens(request)
        self.first_skip = ("", "")

    def retry(self, resolution: Resolution, at: Timestamp, *, busy: bool) -> None:
        """`resolution` may be tried again at `at`; `busy`: it is worth waiting for."""
        self._retry_at.append(at)
        if busy:
            self._later[resolution.model_key] = (resolution, at)

    def soonest(self) -> Timestamp | None:
        """When the soonest candidate may be tried again."""
        now = self._clock.now()
        return min((at for at in self._retry_at if at > now), default=None)

    async def wait(self, deadline: float) -> bool:
        """Waits for the soonest busy candidate; whether it can now be tried. Not past `deadline` (of the loop's clock)."""
        if not self._later or not (self._limits.wait and self._limits.escalation):
            return False
        resolution, at = min(self._later.values(), key=lambda entry: entry[1])
        loop = asyncio.get_running_loop()
        seconds = max(0.0, at - self._clock.now())
        if loop.time() + seconds >= deadline:
            return False
        await self._stream.emit(Waiting, until=at, resolution=resolution, because=FailureKind.RATE_LIMIT)
        try:
            await self._stream.interruptible.wait(asyncio.sleep(seconds), float("inf"))
        except Interrupted:
            return False
        del self._later[resolution.model_key]
        self._left.append(resolution)
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

    async def _admit(self, candidate: Resolution, circuit: Circuit | None) -> Admission | None:
        """The permission of its circuit; without one the candidate is told as skipped."""
        refused = refusal(circuit, candidate.circuit_key, self._clock.now()) if circuit is not None else None
        if circuit is not None and refused is not None:
            if refused.reason == "circuit_open" and not self._limits.skip_open_circuits:
                return Admission(key=candidate.circuit_key, generation=circuit.generation)
            limited = refused.cause is not None and refused.cause.kind == FailureKind.RATE_LIMIT
            await self._not_now(candidate, refused.reason, refused.retry_at, busy=limited)
            return None
        admission = await self._health.admit(candidate.circuit_key)
        if isinstance(admission, Refusal):
            await self._not_now(candidate, admission.reason, admission.retry_at, busy=admission.reason == "probe_elsewhere")
            return None
        return admission

    async def _not_now(self, candidate: Resolution, reason: SkipReason, retry_at: Timestamp | None, *, busy: bool) -> None:
        if retry_at is not None:
            self.retry(candidate, retry_at, busy=busy)
        await self._skip(candidate, reason, "", retry_at)

    async def _skip(self, candidate: Resolution, reason: SkipReason, detail: str, retry_at: Timestamp | None = None) -> None:
        self.skipped += 1
        if not self.first_skip[0]:
            self.first_skip = (reason, detail)
        await self._stream.emit(CandidateSkipped, resolution=candidate, reason=reason, detail=detail, retry_at=retry_at)

    def _over_budget(self, candidate: Resolution, spent: Decimal) -> Exclusion | None:
        cap = self._limits.max_cost
        if cap is None:
            return None
        expected = estimated_cost(candidate, self._prompt_tokens, self._output_tokens)
        if expected is None or expected <= cap - spent:
            return None
        self.over_budget = True
        return ("over_budget", f"would cost at least ${expected:.4f}, ${cap - spent:.4f} is left")
