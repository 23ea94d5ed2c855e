"""Who is asked about an answer, and who is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmesc.engine.quality import judging
from llmesc.engine.slow_check import NoVerdict, SlowCheck
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.quality import Draft, Finding, QualitySettings, Verdict
from tests.engine.pockets import unlimited

pytestmark = pytest.mark.anyio


class Asked:
    """A slow check that takes points, and whom it was asked about."""

    def __init__(self, points: int, outcome: Any = None) -> None:
        self.drafts: list[str] = []
        self._points = points
        self._outcome = outcome

    async def examine(self, draft: Draft, _money: JudgePurse) -> Finding | None:
        self.drafts.append(draft.text)
        if self._outcome is not None:
            raise self._outcome
        return Finding("slow", self._points, "it says so") if self._points else None

    def check(self, timeout_seconds: float = 5.0) -> SlowCheck:
        return SlowCheck(name="slow", timeout_seconds=timeout_seconds, examine=self.examine)


async def judged(draft: Draft, *slow: SlowCheck, threshold: int = 50, checks: Any = ()) -> tuple[Verdict, list[str]]:
    warnings: list[str] = []
    verdict = await judging(QualitySettings(), threshold, checks, slow, warnings.append)(draft, unlimited())
    return verdict, warnings


async def test_a_slow_check_takes_its_points_behind_those_of_the_others() -> None:
    own = [Finding("own", 10, "a bit dry")]

    verdict, _ = await judged(Draft(text="Paris"), Asked(60).check(), checks=(lambda draft: own,))

    assert verdict == Verdict(score=30, reasons=("own -10: a bit dry", "slow -60: it says so"))


@pytest.mark.parametrize(
    ("draft", "threshold", "first", "asked"),
    [
        (Draft(text="Paris"), 50, 0, True),
        (Draft(text="Paris"), 50, 30, True),
        (Draft(text="Paris"), 50, 60, False),  # another slow check has already failed it
        (Draft(text=""), 50, 0, False),  # it has failed without them
        (Draft(text="Paris"), 0, 0, False),  # nothing can fail
        (Draft(text="", tool_calls=1), 50, 0, False),  # there is no text to look at
    ],
)
async def test_a_slow_check_is_asked_only_where_it_can_still_matter(
    draft: Draft, threshold: int, first: int, asked: bool
) -> None:
    second = Asked(10)

    await judged(draft, Asked(first).check(), second.check(), threshold=threshold)

    assert bool(second.drafts) is asked


@pytest.mark.parametrize(
    ("outcome", "told"), [(NoVerdict("it is ill"), "it is ill"), (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero")]
)
async def test_a_slow_check_without_a_verdict_holds_nothing_against_the_answer(outcome: Exception, told: str) -> None:
    verdict, warnings = await judged(Draft(text="Paris"), Asked(60, outcome).check())

    assert verdict.score == 100
    assert warnings == [f"the check slow holds nothing against the answer: {told}"]


async def test_a_check_that_does_not_end_is_cancelled_after_its_time() -> None:
    cancelled = []

    async def examine(draft: Draft, _money: JudgePurse) -> Finding | None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(draft.text)
        return None

    check = SlowCheck(name="slow", timeout_seconds=0.01, examine=examine)
    verdict, warnings = await judged(Draft(text="Paris"), check)

    assert (verdict.score, cancelled) == (100, ["Paris"])
    assert warnings == ["the check slow holds nothing against the answer: no verdict within 0.01 s"]
