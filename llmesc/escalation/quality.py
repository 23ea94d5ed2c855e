"""How good an answer is: a score from 0 to 100 with the checks that took points.

The checks themselves are in `checks`; here they are weighed, together with what checks of the caller's own have found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

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
    held = [*(finding for finding in _findings(draft, settings, validate, identify) if finding.points), *findings]
    score = 100 - sum(finding.points for finding in held)
    return Verdict(score=min(100, max(0, score)), reasons=tuple(map(str, held)))


_FENCED = 20
"""JSON in a code fence costs a twentieth of what no JSON costs: a program can use it, but it is not what was asked for."""


def _findings(draft: Draft, settings: QualitySettings, validate: Validate | None, identify: Identify | None) -> Iterator[Finding]:
    """What our checks say, those included that are switched off and take 0 points."""
    # The words of sixteen languages are not loaded by commands that only read the settings.
    from llmesc.escalation.checks.json_answer import read_json
    from llmesc.escalation.checks.language import speaks_otherwise
    from llmesc.escalation.checks.refusals import declines
    from llmesc.escalation.checks.repetition import going_in_circles
    from llmesc.escalation.checks.shape import is_blank, shape_of, without_reasoning
    from llmesc.escalation.checks.truncation import cut_off

    def found(check: CheckName, reason: str | None, share: int = 1) -> Iterator[Finding]:
        if reason:
            yield Finding(check, settings.weights.get(check, 0) // share, reason)

    if draft.tool_calls:
        # The calls are the answer; the text beside them ("Let me look that up:") need not be one.
        yield from found("truncated", _cut_by_provider(draft))
        return
    if is_blank(draft.text):
        yield from found("empty", "there is no text")
        return
    if draft.expect == "json" or draft.schema is not None:
        try:
            answer = read_json(draft.text)
        except ValueError as error:
            yield from found("invalid_json", str(error))
        else:
            # It is complete and says what it says: nothing that follows applies to data.
            yield from found("invalid_json", "the JSON stands in a code fence" if answer.fenced else None, share=_FENCED)
            mistakes = validate(draft.schema, answer.value) if validate and draft.schema is not None else ()
            yield from found("schema", _first_of(mistakes))
            return
    text = without_reasoning(draft.text)
    shape = shape_of(text)
    yield from found("refusal", declines(text, draft.prompt))
    yield from found("repetition", going_in_circles(shape))
    if identify is not None and draft.language is not None:
        yield from found("language", speaks_otherwise(text, draft.language, identify))
    yield from found("truncated", _cut_by_provider(draft) or cut_off(text, shape))
    if len(text.strip()) < settings.min_characters:
        yield from found("too_short", f"{len(text.strip())} characters, at least {settings.min_characters} are wanted")
    if draft.mean_logprob is not None and draft.mean_logprob < settings.min_mean_logprob:
        yield from found("log_probability", f"{draft.mean_logprob:.2f} a token, below {settings.min_mean_logprob:.2f}")


def _cut_by_provider(draft: Draft) -> str | None:
    if draft.finish_reason == "length":
        return "it stops at the token limit"
    return "the provider's filter stopped it" if draft.finish_reason == "content_filter" else None


def _first_of(mistakes: Sequence[str]) -> str | None:
    if not mistakes:
        return None
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{mistakes[0]}{more}"
