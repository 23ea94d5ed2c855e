"""The judge of an engine: the pure checks, a schema validator where one is needed, the caller's own checks, slow ones last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmesc.engine.slow_check import SlowCheck
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.judging import Judge
from llmesc.escalation.language import Identify
from llmesc.escalation.quality import Check, Draft, Finding, QualitySettings, Verdict, judge

MOST_MISTAKES = 20
"""Of a value by its schema: enough to see what is wrong, and little work where all of it is."""


def judging(
    settings: QualitySettings,
    threshold: int,
    checks: Sequence[Check],
    slow_checks: Sequence[SlowCheck],
    warn: Callable[[str], None],
    identify: Identify | None = None,
) -> Judge:
    """The judge for one run; `identify` where a language was asked for. A check of the caller's that fails is told to `warn` and
    holds nothing against the answer.

    A slow check is asked only while the answer still passes and could yet fail, and only about text: not about tool calls.
    """

    async def verdict_on(draft: Draft, money: JudgePurse) -> Verdict:
        findings = [finding for check in checks for finding in _guarded(check, draft, warn)]
        verdict = judge(draft, settings, validate=schema_mistakes, identify=identify, findings=findings)
        for slow in slow_checks if threshold and not draft.tool_calls else ():
            if not verdict.passes(threshold):
                break
            if finding := await slow.finding(draft, warn, money):
                findings.append(finding)
                verdict = judge(draft, settings, validate=schema_mistakes, identify=identify, findings=findings)
        return replace(verdict, judge=money.calls[-1]) if money.calls else verdict  # there is one judge at most

    return verdict_on


def schema_mistakes(schema: Mapping[str, Any], value: Any) -> Sequence[str]:
    """What is wrong with `value`, one line for each mistake: where, and what. An unusable schema is a mistake, too."""
    from itertools import islice

    import jsonschema
    from jsonschema.validators import validator_for

    try:
        validator = validator_for(schema)(schema)
        return [f"{error.json_path}: {error.message[:200]}" for error in islice(validator.iter_errors(value), MOST_MISTAKES)]
    except jsonschema.exceptions.SchemaError as error:
        return [f"the schema itself is wrong at {error.json_path}: {error.message[:200]}"]


def _guarded(check: Check, draft: Draft, warn: Callable[[str], None]) -> Sequence[Finding]:
    try:
        return list(check(draft))
    except Exception as error:  # noqa: BLE001 - the caller's code; a good answer is not lost to a bug in it
        warn(f"the check {getattr(check, '__name__', check)!r} failed: {type(error).__name__}: {error}")
        return ()
