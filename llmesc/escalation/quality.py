"""How good an answer is: a score from 0 to 100 with the checks that took points.

The checks themselves are in `checks`; here they are weighed, together with what checks of the caller's own have found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from llmesc.escalation.event_words import JudgeCall
from llmesc.escalation.language import Identify
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import ModelKey

CheckName = Literal[
    "empty", "refusal", "repetition", "language", "truncated", "invalid_json", "schema", "too_short", "log_probability"
]

DEFAULT_WEIGHTS: Mapping[CheckName, int] = {
    "empty": 100,
    "refusal": 60,
    "repetition": 70,
    "language": 60,
    "truncated": 60,
    "invalid_json": 100,
    "schema": 100,
    "too_short": 0,
    "log_probability": 0,
}
"""Points a check takes when it fires; 0 switches it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySettings:
    """`[quality]` of the configuration."""

    weights: Mapping[CheckName, int] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    """A check that is not named is off."""
    min_characters: int = 50
    """For `too_short`, which is off unless weighted: "42" is a good answer."""
    min_mean_logprob: float = -2.5
    """For `log_probability`: natural log, mean over the answer's tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer to judge."""

    text: str
    finish_reason: str = "stop"
    tool_calls: int = 0
    expect: Literal["text", "json"] = "text"
    schema: Mapping[str, Any] | None = None
    language: str | None = None
    """The tag of the language that was asked for; None: any."""
    mean_logprob: float | None = None
    prompt: str = ""
    answered_by: ModelKey | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check holds against an answer. `str()` is the reason as people read it: `refusal -60: …`."""

    check: str
    points: int
    """Taken from the score; negative points are given."""
    reason: str

    def __str__(self) -> str:
        return f"{self.check} {-self.points:+d}: {self.reason}"


Check = Callable[[Draft], Iterable[Finding]]
"""A check of the caller's own. Must not raise."""

Validate = Callable[[Mapping[str, Any], Any], Sequence[str]]
"""What is wrong with a value by a JSON Schema, one line for each mistake. Injected, because the core knows no validator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The score and why: each reason names its check and what it took (`refusal -60: …`)."""

    score: int
    reasons: tuple[str, ...] = ()
    judge: JudgeCall | None = None
    """Where another model was called for it."""

    def passes(self, threshold: int) -> bool:
        """Whether the answer is good enough."""
        return self.score >= threshold


def judge(
    draft: Draft,
    settings: QualitySettings,
    *,
    validate: Validate | None = None,
    identify: Identify | None = None,
    findings: Iterable[Finding] = (),
) -> Verdict:
    """Scores an answer. Pure; linear in the length of the text.

    Without `validate` a schema is not checked, nor a language without `identify`. `findings`, of the caller's own checks, count
    after ours.
    """
    # The words of sixteen languages are not loaded by commands that only read the settings.
    from llmesc.escalation.checks.findings import findings_on

    held = [*(finding for finding in findings_on(draft, settings, validate, identify) if finding.points), *findings]
    score = 100 - sum(finding.points for finding in held)
    return Verdict(score=min(100, max(0, score)), reasons=tuple(map(str, held)))
