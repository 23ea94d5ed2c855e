"""How good an answer is: a score from 0 to 100 with the checks that took points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CheckName = Literal["empty", "refusal", "repetition", "truncated", "invalid_json", "schema", "too_short", "log_probability"]

DEFAULT_WEIGHTS: Mapping[CheckName, int] = {
    "empty": 100,
    "refusal": 60,
    "repetition": 70,
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
    mean_logprob: float | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The score and why: each reason names its check and what it took (`refusal -60: …`)."""

    score: int
    reasons: tuple[str, ...] = ()

    def passes(self, threshold: int) -> bool:
        """Whether the answer is good enough."""
        return self.score >= threshold


def judge(draft: Draft, settings: QualitySettings) -> Verdict:
    """Scores an answer. Pure; linear in the length of the text."""
    raise NotImplementedError
