"""One run: walks the chain, acts, and emits events. The decisions are made in `walk`, `circuits` and `quality`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from llmesc.escalation.attempt import Attempt, Ending
from llmesc.escalation.attempts import Attempts
from llmesc.escalation.continuation import handed_over
from llmesc.escalation.envelope import Left
from llmesc.escalation.events import (
    Answer,
    AttemptOutcome,
    CandidateSkipped,
    Chain,
    ProviderFailed,
    Rejected,
    RunFinished,
    RunOutcome,
    RunStarted,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.gate import JudgeBeginning
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.judging import Judge, Judging
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request
from llmesc.escalation.opening import Opening
from llmesc.escalation.pulling import open_gate
from llmesc.escalation.purse import Purse
from llmesc.escalation.quality import Verdict
from llmesc.escalation.race import Race
from llmesc.escalation.report import Report
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import Selected
from llmesc.escalation.selection import Selection
from llmesc.escalation.shown import Shown
from llmesc.escalation.skips import Skips
from llmesc.escalation.tool_rounds import ToolRounds
from llmesc.escalation.tools import Toolbox
from llmesc.escalation.walk import most_actionable, outcome_of

if TYPE_CHECKING:
    from llmesc.escalation.executor import Executor


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
        judge_beginning: JudgeBeginning,
        toolbox: Toolbox | None,
        purse: Purse,
    ) -> None:
        self._executor = executor
        self._judging = Judging(stream, judge, limits.quality_threshold, purse)
        self._stream = stream
        self._request = request
        """Grows by every finished round of tools, so that whoever is called next has them."""
        self._chain = chain
        self._limits = limits
        self._report = Report(executor.health, executor.clock, stream, limits, chain.name)
        self._opening = Opening(executor.open_provider, stream)
        self._skips = Skips(stream, executor.clock)
        self._shown = Shown(stream, limits)
        self._attempts = attempts = Attempts(stream, chain, limits, judge_beginning, self._report, self._shown)
        self._selection = Selection(
            request=request,
            chain=chain,
            limits=limits,
            health=executor.health,
            opening=self._opening,
            skips=self._skips,
            fits=executor.fits,
            timeouts_for=executor.timeouts_for,
            clock=executor.clock,
            random=executor.random,
            stream=stream,
            report=self._report,
            purse=purse,
            next_number=lambda: attempts.made + 1,
        )
        self._tools = ToolRounds(toolbox, stream, limits)
        self._failures: list[Failure] = []
        self._because: tuple[str, str] | None = None
        """Why the last attempt failed: a kind and a detail, for the announcement of the switch."""
        self._best: Answer | None = None
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
        return self._started + self._limits.deadline_seconds + self._opening.seconds + self._tools.permit_seconds

    def _left(self) -> Left:
        """Of the limits, now."""
        cap = self._limits.max_cost
        return Left(
            seconds=self._deadline - asyncio.get_running_loop().time(),
            dollars=None if cap is None else cap - self._attempts.spent - self._judging.spent,
            attempts=self._limits.max_attempts - self._attempts.made + self._tools.finished,
        )

    async def _forbid(self, forbidden: Rejected) -> RunOutcome:
        await self._stream.emit(CandidateSkipped, resolution=forbidden.resolution, reason="not_allowed", detail=forbidden.detail)
        self._failures.append(Failure(kind=FailureKind.MODEL_NOT_ALLOWED, rule="policy.allowed_models", message=forbidden.detail))
        return RunOutcome.POLICY

    async def _walk(self) -> tuple[RunOutcome, Answer | None]:
        loop = asyncio.get_running_loop()
        while self._left().attempts > 0:
            if self._stream.interruptible.cancelled:
                return RunOutcome.CANCELLED, None
            if loop.time() >= self._deadline:
                return RunOutcome.DEADLINE, self._best
            asked = self._asked()
            self._selection.ask(asked)
            selected = await self._selection.next(self._left)
            if selected is not None:
                if (ending := await self._attempt(selected, asked)) is not None:
                    return ending
            # An answer below the bar in the hand is not made to wait for a better one.
            elif self._best is not None or not await self._selection.later(self._left()):
                break
        if self._stream.interruptible.cancelled:
            return RunOutcome.CANCELLED, None
        if self._best is not None:
            return RunOutcome.BELOW_BAR, self._best
        if self._selection.spent:
            return RunOutcome.DEADLINE, None
        return (RunOutcome.EXHAUSTED if self._attempts.made else RunOutcome.NOTHING_CALLABLE), None

    def _asked(self) -> Request:
        """What whoever is called next is sent."""
        kept = self._shown.kept.text
        return handed_over(self._request, kept) if kept else self._request

    async def _attempt(self, selected: Selected, asked: Request) -> tuple[RunOutcome, Answer | None] | None:
        """Calls one candidate, and another beside it where it is hedged; what ends the run, or None to go on."""
        attempt = await self._attempts.begin(selected, asked, self._because or self._skips.first)
        race = Race(self._stream, self._attempts, self._selection, self._report, self._left, self._deadline)
        race.start(attempt, selected)
        try:
            return await self._until_all_ended(race)
        finally:
            await race.aclose()

    async def _until_all_ended(self, race: Race) -> tuple[RunOutcome, Answer | None] | None:
        refused = None
        while True:
            attempt, ending = await race.next_end()
            ended = await self._follow_up(attempt, ending, race)
            if ended is not None and ended[0] is RunOutcome.POLICY and race.goes_on:
                refused = ended  # who was asked before the hedge that was refused may still answer; nobody else is asked
            elif ended is not None:
                await race.cancel()
                return ended
            if not await race.hand_over(self._because or ("", "")):
                return refused

    async def _follow_up(self, attempt: Attempt, ending: Ending, race: Race) -> tuple[RunOutcome, Answer | None] | None:
        """Settles everything that follows from the end of a call; what ends the run, or None to go on."""
        if ending == "finished":
            attempt.answered_at = asyncio.get_running_loop().time()
            if self._tools.wanted(attempt):
                return await self._run_tools(attempt)
            flaw = self._judging.flaw_of_end(attempt)
            if flaw is None:
                return await self._judge(attempt, race)
            ending = flaw
        if isinstance(ending, Verdict):
            await self._judging.tell(attempt, ending)
            self._shown.broke_off(attempt, ending, self._request)
            await self._below_bar(attempt, ending)
            return None
        return await self._fail(attempt, ending)

    async def _run_tools(self, attempt: Attempt) -> tuple[RunOutcome, Answer | None] | None:
        """The model asks for tools: they run, and it is asked again with what they gave back."""
        await self._attempts.settle(attempt, AttemptOutcome.SUCCESS)
        await self._report.success(attempt)
        await self._shown.discard()
        try:
            self._request = await self._tools.run(attempt, self._request, lambda: self._deadline)
        except Interrupted as interrupted:
            return (RunOutcome.CANCELLED, None) if interrupted.reason == "cancelled" else (RunOutcome.DEADLINE, self._best)
        self._because = None
        self._selection.again(attempt.resolution, self._request)
        return None

    async def _judge(self, attempt: Attempt, race: Race) -> tuple[RunOutcome, Answer | None] | None:
        """The answer is complete: is it good enough?"""
        try:
            verdict = self._tools.verdict(attempt)
            if verdict is None:
                verdict = await self._judging.verdict_on(attempt, self._request, self._deadline, self._left().dollars)
        except Interrupted as interrupted:
            # A complete answer that nothing was held against so far is better than one that failed the bar.
            self._best = attempt.answer(None)
            return await self._fail(attempt, "cancelled" if interrupted.reason == "cancelled" else "deadline")
        if not await self._judging.tell(attempt, verdict):
            self._shown.forget()
            await self._below_bar(attempt, verdict)
            return None
        await race.won_by(attempt)
        await open_gate(attempt, self._stream)
        await self._attempts.settle(attempt, AttemptOutcome.SUCCESS)
        await self._report.success(attempt)
        return RunOutcome.ANSWERED, attempt.answer(verdict.score)

    async def _below_bar(self, attempt: Attempt, verdict: Verdict) -> None:
        """It answered, or began to, and not well enough."""
        await self._attempts.settle(attempt, AttemptOutcome.QUALITY_FAILURE)
        because = "; ".join(verdict.reasons)
        self._because = ("quality", because)
        if retry_at := await self._report.quality(attempt, because):
            self._selection.retry(attempt.resolution, retry_at, busy=False)
        # What was only begun is better than nothing, and no better than anything complete.
        rank = attempt.finish is not None, verdict.score
        if self._best is None or rank >= (self._best.finish_reason != "cut", self._best.score or 0):
            self._best = attempt.answer(verdict.score)

    async def _fail(self, attempt: Attempt, ending: Ending) -> tuple[RunOutcome, Answer | None] | None:
        """The call did not end well; what it means for the rest of the run."""
        if not isinstance(ending, Failure):
            await self._attempts.settle(attempt, AttemptOutcome.CANCELLED)
            await self._report.neutral(attempt.admission)
            if ending == "deadline":
                return RunOutcome.DEADLINE, self._best
            return RunOutcome.CANCELLED, attempt.answer(None) if attempt.text else None
        self._failures.append(ending)
        self._shown.broke_off(attempt, ending, self._request)
        await self._stream.emit(ProviderFailed, attempt=attempt.number, resolution=attempt.resolution, failure=ending)
        await self._attempts.settle(attempt, outcome_of(ending), kind=ending.kind)
        retry_at = await self._report.failure(attempt, ending)
        if retry_at is not None:
            self._selection.retry(attempt.resolution, retry_at, busy=ending.kind is FailureKind.RATE_LIMIT)
        if ending.consequence.stop or (ending.kind is FailureKind.CONTENT_POLICY and self._limits.stop_on_content_policy):
            return (RunOutcome.CANCELLED if ending.kind is FailureKind.CLIENT_GONE else RunOutcome.POLICY), None
        self._selection.exclude(attempt.resolution, ending)
        self._because = (ending.kind, ending.message)
        return None

    async def _finish(self, outcome: RunOutcome, answer: Answer | None) -> RunFinished:
        if answer is None or not self._shown.is_by(answer.attempt):
            await self._shown.discard()
        answered = outcome is RunOutcome.ANSWERED
        with suppress(Interrupted):  # who cancels does not wait for a price
            await self._attempts.price(self._executor.price_of)
        return await self._stream.emit(
            RunFinished,
            outcome=outcome,
            answer=answer,
            totals=self._attempts.totals(
                self._skips.count, asyncio.get_running_loop().time() - self._started, self._judging.totals
            ),
            cause=None if answered else most_actionable(self._failures),
            retry_at=None if answered else self._skips.soonest(),
        )
