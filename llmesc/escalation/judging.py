"""The verdict on a complete answer: waits for it, and tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from llmesc.escalation.attempt import Attempt
from llmesc.escalation.events import JudgeTotals, QualityChecked
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.ledger import Ledger
from llmesc.escalation.messages import Request
from llmesc.escalation.pricing import cost_of
from llmesc.escalation.purse import Purse
from llmesc.escalation.quality import Draft, Verdict
from llmesc.escalation.run import EventStream

Judge = Callable[[Draft, JudgePurse], Awaitable[Verdict]]
"""May take its time, and is cancelled when the run is or its time is spent. Must not raise."""


class Judging:
    """Of one run."""

    def __init__(self, stream: EventStream, judge: Judge, threshold: int, purse: Purse) -> None:
        self._stream = stream
        self._judge = judge
        self._threshold = threshold
        self._purse = purse
        self._books = Ledger()
        self._calls = 0

    @property
    def spent(self) -> Decimal:
        """US dollars that are known to be spent on other models' judgement."""
        return self._books.spent

    @property
    def totals(self) -> JudgeTotals | None:
        """Of the run so far; None where no other model was asked."""
        if not self._calls:
            return None
        return JudgeTotals(calls=self._calls, usage=self._books.usage, cost=self._books.cost)

    def flaw_of_end(self, attempt: Attempt) -> Verdict | None:
        """What is held against the end of another's text that nobody has seen yet: what would not do as a beginning, either."""
        if not attempt.kept.text or not attempt.own_text or attempt.gate.is_open or attempt.tool_calls:
            return None
        from llmesc.escalation.checks.shape import is_blank

        if is_blank(attempt.own_text):
            return None  # a full stop may be all that was missing
        verdict = attempt.gate.verdict(attempt.own_text)
        return None if verdict.passes(self._threshold) else verdict

    async def verdict_on(self, attempt: Attempt, request: Request, deadline: float, left_dollars: Decimal | None) -> Verdict:
        """On all of the answer, what it went on from included; `left_dollars`: of the run's cap, but for what this answer cost.
        Raises `Interrupted`.
        """
        finish = attempt.finish
        assert finish is not None, "an answer is complete when its finish was seen"
        draft = Draft(
            text=attempt.text,
            finish_reason=finish.reason,
            tool_calls=len(attempt.tool_calls),
            expect="json" if request.wants_json else "text",
            schema=request.schema,
            language=request.language,
            mean_logprob=finish.mean_logprob,
            prompt=request.prompt,
            answered_by=attempt.resolution.model_key,
        )
        if left_dollars is not None:
            left_dollars -= cost_of(attempt.resolution, attempt.usage()) or Decimal(0)
        money = JudgePurse(self._purse.apart(), self._stream.run_id, attempt.number, left_dollars)
        try:
            return await self._stream.interruptible.wait(self._judge(draft, money), deadline)
        except Interrupted:
            attempt.unfinished_judge = next(iter(money.calls), None)
            raise
        finally:
            for call in money.calls:
                self._calls += 1
                self._books.settle(call.usage, call.cost)

    async def tell(self, attempt: Attempt, verdict: Verdict) -> bool:
        """Tells the verdict; whether the answer is good enough."""
        passed = verdict.passes(self._threshold)
        await self._stream.emit(
            QualityChecked,
            attempt=attempt.number,
            score=verdict.score,
            threshold=self._threshold,
            passed=passed,
            reasons=verdict.reasons,
            judge=verdict.judge,
        )
        return passed
