"""What is known of an attempt, in few characters and in words. Pure."""

from __future__ import annotations

from llmesc.escalation.events import CandidateSkipped
from llmesc.escalation.fold import AttemptView
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story import words

CHARACTERS_PER_TOKEN = 4
"""Of English text, about: what a running attempt's rate is told by."""


def rate(attempt: AttemptView, seconds: float) -> str:
    """Tokens a second since the first one; while it runs, four characters for one. Empty where nothing can be told."""
    tokens = attempt.usage.output_tokens if attempt.usage is not None else attempt.characters // CHARACTERS_PER_TOKEN
    writing = seconds - (attempt.first_token_seconds or 0.0)
    return f"{tokens / writing:.0f}" if tokens and writing > 0 else ""


def short_cause(attempt: AttemptView) -> str:
    """`overloaded 503`, `quality 20`: why it did not answer, for a narrow column; empty where it did, or still may."""
    if attempt.lost_to is not None:
        return words.cause_words(attempt)
    if attempt.failure is not None:
        return f"{words.plain_words(attempt.failure.kind)} {attempt.failure.status or ''}".rstrip()
    if attempt.quality is not None and not attempt.quality.passed:
        return f"quality {attempt.quality.score}: {'; '.join(attempt.quality.reasons)}"
    return ""


def about_attempt(attempt: AttemptView, seconds: float) -> str:
    """All of it in a line; `seconds` is how long it took, or has taken so far."""
    head = [words.who(attempt.resolution), place(attempt)]
    cause = words.cause_words(attempt)
    return one_line(" · ".join([*head, *([cause] if cause else []), *facts(attempt, seconds)]), 600)


def place(attempt: AttemptView) -> str:
    """`escalation probe, frontier`: what it was in its chain."""
    return f"{attempt.move}{' probe' if attempt.probe else ''}, {attempt.resolution.tier.label}"


def facts(attempt: AttemptView, seconds: float) -> list[str]:
    """What was measured of it, and whose turn it took or went on with."""
    parts = list[str]()
    if attempt.first_token_seconds is not None:
        parts.append(f"first token {words.seconds(attempt.first_token_seconds)}")
    if pace := rate(attempt, seconds):
        parts.append(f"{pace} tok/s")
    if attempt.usage is not None:
        hosted = not attempt.resolution.tier.self_hosted
        parts.append(words.spent(attempt.usage, attempt.cost, hosted=hosted))
    if attempt.hedges is not None:
        parts.append(f"hedges attempt {attempt.hedges}")
    if attempt.continues_characters:
        parts.append(f"goes on from {words.plural(attempt.continues_characters, 'character')}")
    if attempt.allowance is not None and attempt.outcome is None:
        parts.append(f"may take {words.seconds(attempt.allowance.seconds)}")
    if attempt.finish_reason is not None:
        parts.append(f"finish {attempt.finish_reason}")
    if attempt.request_id is not None:
        parts.append(f"request id {attempt.request_id}")
    return parts


def about_skip(skip: CandidateSkipped, now: Timestamp) -> str:
    """Why it was passed over, and when it may be tried."""
    parts = [words.who(skip.resolution), f"{skip.resolution.tier.label}, not called: {words.plain_words(skip.reason)}"]
    if skip.detail:
        parts.append(skip.detail)
    if skip.retry_at is not None:
        parts.append(f"may be tried at {words.ahead(skip.retry_at, now)}")
    return one_line(" · ".join(parts), 600)
