"""The money of a judge where no budget is in force."""

from __future__ import annotations

from typing import Any

from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.purse import Purse


def unlimited() -> JudgePurse:
    nobody: Any = None  # without budgets no state is asked
    return JudgePurse(Purse((), "default", {}, nobody, nobody), "r1", 1, None)
