"""What our checks hold against an answer, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmesc.escalation.checks.json_answer import read_json
from llmesc.escalation.checks.language import speaks_otherwise
from llmesc.escalation.checks.refusals import declines
from llmesc.escalation.checks.repetition import going_in_circles
from llmesc.escalation.checks.shape import is_blank, shape_of, without_reasoning
from llmesc.escalation.checks.truncation import cut_off
from llmesc.escalation.language import Identify
from llmesc.escalation.quality import CheckName, Draft, Finding, QualitySettings, Validate

_FENCED = 20
"""JSON in a code fence costs a twentieth of what no JSON costs: a program can use it, but it is not what was asked for."""


def findings_on(
    draft: Draft, settings: QualitySettings, validate: Validate | None, identify: Identify | None
) -> Iterator[Finding]:
    """What our checks say, those included that are switched off and take 0 points."""

    def found(check: CheckName, reason: str | None, share: int = 1) -> Sequence[Finding]:
        return (Finding(check, settings.weights.get(check, 0) // share, reason),) if reason else ()

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
