"""One run: walks the chain, acts, and emits events. The decisions are made in `walk`, `circuits` and `quality`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from llmesc.escalation.attempt import Attempt, Ending, pull
from llmesc.escalation.chain import is_tier_upgrade, move_of
from llmesc.escalation.events import (
    Answer,
    AnswerRange,
    AnswerReset,
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    CandidateSkipped,
    Chain,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    Rejected,
    RunFinished,
    RunOutcome,
    RunStarted,
    Totals,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.ledger import Ledger
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, ToolCall
from llmesc.escalation.pieces import Call
from llmesc.escalation.quality import Draft
from llmesc.escalation.report import Report
from llmesc.escalation.run import EventStream
from llmesc.escalation.selection import Selected, Selection
from llmesc.escalation.tool_rounds import ToolRounds
from llmesc.escalation.tools import Toolbox
from llmesc.escalation.walk import cost_of, most_actionable, outcome_of

if TYPE_CHECKING:
    from llmesc.escalation.executor import Executor, Judge


class Walker:
    """One run in progress."""

    def __init__(
        self,
        executor: Executor,
        stream: EventStream,
        request: Request,
        chain: Chain,
        limits: Limits,
        judge: Judge,
        toolbox: Toolbox | None,
    ) -> None:
        self._executor = executor
        self._verdict_on = judge
        self._stream = stream
        self._request = request
        """Grows by every finished round of tools, so that whoever is called next has them."""
        self._chain = chain
        self._limits = limits
        self._report = Report(executor.health, executor.clock, stream, limits)
        self._selection = Selection(
            request=request,
            chain=chain,
            limits=limits,
            health=executor.health,
            open_provider=executor.open_provider,
            fits=executor.fits,
            clock=executor.clock,
            stream=stream,
            report=self._report,
        )
        self._attempts: list[Attempt] = []
        self._tools = ToolRounds(toolbox, stream)
        self._ledger = Ledger()
        self._failures: list[Failure] = []
        self._because: tuple[str, str] | None = None
        """Why the last attempt failed: a kind and a detail, for the announcement of the switch."""
        self._best: Answer | None = None
        self._shown: Attempt | None = None
        """The attempt whose text the reader has and that still counts."""
        self._started = 0.0

    async def run(self, caller: Mapping[str, str], forbidden: Rejected | None) -> RunFinished:
        """Walks to the end. Emits the first and the last event, each exactly once, whatever happens between."""
        self._started = asyncio.get_running_loop().time()
        await self._stream.emit(RunStarted, request=self._request, chain=self._chain, limits=self._limits, caller=caller)
        outcome, answer = RunOutcome.EXHAUSTED, None
        try:
            if forbidden is not None:
                outcome = await self._forbid(forbidden)
            else:
                outcome, answer = await self._walk()
        finally:
            finished = await self._finish(outcome, answer)
        return finished

    @property
    def _deadline(self) -> float:
        """Of the event loop's clock."""
        return self._started + self._limits.deadline_seconds + self._selection.setup_seconds + self._tools.permit_seconds

    async def _forbid(self, forbidden: Rejected) -> RunOutcome:
        await self._stream.emit(CandidateSkipped, resolution=forbidden.resolution, reason="not_allowed", detail=forbidden.detail)
        self._failures.append(Failure(kind=FailureKind.MODEL_NOT_ALLOWED, rule="policy.allowed_models", message=forbidden.detail))
        return RunOutcome.POLICY

    async def _walk(self) -> tuple[RunOutcome, Answer | None]:
        loop = asyncio.get_running_loop()
        while len(self._attempts) - self._tools.finished < self._limits.max_attempts:
            if self._stream.interruptible.cancelled:
                return RunOutcome.CANCELLED, None
            if loop.time() >= self._deadline:
                return RunOutcome.DEADLINE, self._best
            selected = await self._selection.next(self._ledger.spent)
            if selected is not None:
                if (ending := await self._attempt(selected)) is not None:
                    return ending
            # An answer below the bar in the hand is not made to wait for a better one.
            elif self._best is not None or not await self._selection.wait(self._deadline):
                break
        if self._stream.interruptible.cancelled:
            return RunOutcome.CANCELLED, None
        if self._best is not None:
            return RunOutcome.BELOW_BAR, self._best
        if self._selection.over_budget:
            return RunOutcome.DEADLINE, None
        return (RunOutcome.EXHAUSTED if self._attempts else RunOutcome.NOTHING_CALLABLE), None

    async def _attempt(self, selected: Selected) -> tuple[RunOutcome, Answer | None] | None:
        """Calls one candidate and settles everything that follows from it; what ends the run, or None to go on."""
        attempt = await self._open(selected)
        call = Call(
            resolution=attempt.resolution,
            request=self._request,
            timeouts=self._executor.timeouts_for(attempt.resolution),
            idempotency_key=attempt.attempt_id,
        )
        ending = await pull(attempt, selected.provider, call, self._stream, self._deadline)
        if ending == "finished":
            attempt.answered_at = asyncio.get_running_loop().time()
            return await (self._run_tools(attempt) if self._tools.wanted(attempt) else self._judge(attempt))
        return await self._fail(attempt, ending)

    async def _open(self, selected: Selected) -> Attempt:
        number = len(self._attempts) + 1
        resolution = selected.resolution
        primary = self._chain.primary or resolution
        attempt = Attempt(
            number=number,
            attempt_id=f"{self._stream.run_id}.{number}",
            resolution=resolution,
            move=move_of(primary, resolution),
            admission=selected.admission,
            started=asyncio.get_running_loop().time(),
            call_ids={part.call_id for message in self._request.messages for part in message.parts if isinstance(part, ToolCall)},
        )
        before = self._attempts[-1].resolution if self._attempts else primary
        if before != resolution:
            kind, detail = self._because or self._selection.first_skip
            await self._stream.emit(
                ProviderSwitched,
                from_resolution=before,
                to_resolution=resolution,
                move=attempt.move,
                because=kind,
                detail=detail,
                tier_upgrade=is_tier_upgrade(before, resolution),
                characters_discarded=self._shown.characters if self._shown else 0,
            )
        await self._discard()
        self._attempts.append(attempt)
        probe = selected.admission.token is not None
        if probe:
            await self._report.probing(selected.admission)
        await self._stream.emit(
            AttemptStarted,
            attempt=number,
            attempt_id=attempt.attempt_id,
            resolution=resolution,
            move=attempt.move,
            probe=probe,
            repairs=selected.repairs,
        )
        self._shown = attempt
        return attempt

    async def _discard(self) -> None:
        if self._shown is not None and self._shown.characters:
            await self._stream.emit(AnswerReset, attempt=self._shown.number, characters=self._shown.characters)
        self._shown = None

    async def _run_tools(self, attempt: Attempt) -> tuple[RunOutcome, Answer | None] | None:
        """The model asks for tools: they run, and it is asked again with what they gave back."""
        await self._settle(attempt, AttemptOutcome.SUCCESS)
        await self._report.success(attempt)
        await self._discard()
        try:
            self._request = await self._tools.run(attempt, self._request, lambda: self._deadline)
        except Interrupted as interrupted:
            return (RunOutcome.CANCELLED, None) if interrupted.reason == "cancelled" else (RunOutcome.DEADLINE, self._best)
        self._because = None
        self._selection.again(attempt.resolution, self._request)
        return None

    async def _judge(self, attempt: Attempt) -> tuple[RunOutcome, Answer | None] | None:
        """The answer is complete: is it good enough?"""
        finish = attempt.finish
        assert finish is not None, "pull says finished only when it saw the finish"
        draft = Draft(
            text=attempt.text,
            finish_reason=finish.reason,
            tool_calls=len(attempt.tool_calls),
            expect="json" if self._request.wants_json else "text",
            schema=self._request.schema,
            mean_logprob=finish.mean_logprob,
            prompt=self._request.prompt,
            answered_by=attempt.resolution.model_key,
        )
        try:
            verdict = self._tools.verdict(attempt)
            if verdict is None:
                verdict = await self._stream.interruptible.wait(self._verdict_on(draft), self._deadline)
        except Interrupted as interrupted:
            # A complete answer that nothing was held against so far is better than one that failed the bar.
            self._best = _answer(attempt, None)
            return await self._fail(attempt, "cancelled" if interrupted.reason == "cancelled" else "deadline")
        passed = verdict.passes(self._limits.quality_threshold)
        await self._stream.emit(
            QualityChecked,
            attempt=attempt.number,
            score=verdict.score,
            threshold=self._limits.quality_threshold,
            passed=passed,
            reasons=verdict.reasons,
        )
        answer = _answer(attempt, verdict.score)
        if passed:
            await self._settle(attempt, AttemptOutcome.SUCCESS)
            await self._report.success(attempt)
            return RunOutcome.ANSWERED, answer
        await self._settle(attempt, AttemptOutcome.QUALITY_FAILURE)
        because = "; ".join(verdict.reasons)
        self._because = ("quality", because)
        if retry_at := await self._report.quality(attempt, because):
            self._selection.retry(attempt.resolution, retry_at, busy=False)
        if self._best is None or (answer.score or 0) >= (self._best.score or 0):
            self._best = answer
        return None

    async def _fail(self, attempt: Attempt, ending: Ending) -> tuple[RunOutcome, Answer | None] | None:
        """The call did not end well; what it means for the rest of the run."""
        if not isinstance(ending, Failure):
            await self._settle(attempt, AttemptOutcome.CANCELLED)
            await self._report.neutral(attempt.admission)
            if ending == "deadline":
                return RunOutcome.DEADLINE, self._best
            return RunOutcome.CANCELLED, _answer(attempt, None) if attempt.characters else None
        self._failures.append(ending)
        await self._stream.emit(ProviderFailed, attempt=attempt.number, resolution=attempt.resolution, failure=ending)
        await self._settle(attempt, outcome_of(ending))
        retry_at = await self._report.failure(attempt, ending)
        if retry_at is not None:
            self._selection.retry(attempt.resolution, retry_at, busy=ending.kind is FailureKind.RATE_LIMIT)
        if ending.consequence.stop or (ending.kind is FailureKind.CONTENT_POLICY and self._limits.stop_on_content_policy):
            return (RunOutcome.CANCELLED if ending.kind is FailureKind.CLIENT_GONE else RunOutcome.POLICY), None
        self._selection.exclude(attempt.resolution, ending)
        self._because = (ending.kind, ending.message)
        return None

    async def _settle(self, attempt: Attempt, outcome: AttemptOutcome) -> None:
        usage = attempt.usage(self._request)
        cost = cost_of(attempt.resolution, usage) if attempt.reached else Decimal(0)
        self._ledger.settle(usage, cost)
        first = attempt.first_content_at
        await self._stream.emit(
            AttemptFinished,
            attempt=attempt.number,
            resolution=attempt.resolution,
            outcome=outcome,
            usage=usage,
            cost=cost,
            cost_estimated=usage.estimated,
            first_token_seconds=None if first is None else first - attempt.started,
            duration_seconds=attempt.seconds(asyncio.get_running_loop().time()),
            characters=attempt.characters,
            finish_reason=attempt.finish.reason if attempt.finish else None,
            request_id=attempt.request_id,
        )

    async def _finish(self, outcome: RunOutcome, answer: Answer | None) -> RunFinished:
        if answer is None or (self._shown is not None and answer.attempt != self._shown.number):
            await self._discard()
        answered = outcome is RunOutcome.ANSWERED
        return await self._stream.emit(
            RunFinished,
            outcome=outcome,
            answer=answer,
            totals=self._totals(),
            cause=None if answered else most_actionable(self._failures),
            retry_at=None if answered else self._selection.soonest(),
        )

    def _totals(self) -> Totals:
        return Totals(
            attempts=len(self._attempts),
            skipped=self._selection.skipped,
            usage=self._ledger.usage,
            cost=self._ledger.cost,
            duration_seconds=asyncio.get_running_loop().time() - self._started,
        )


def _answer(attempt: Attempt, score: int | None) -> Answer:
    text = attempt.text
    return Answer(
        text=text,
        attempt=attempt.number,
        resolution=attempt.resolution,
        ranges=(AnswerRange(attempt=attempt.number, start=0, end=len(text)),),
        score=score,
        finish_reason=attempt.finish.reason if attempt.finish else "cut",
        tool_calls=tuple(
            {"call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in attempt.tool_calls
        ),
    )
