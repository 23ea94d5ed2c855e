"""One attempt as a span, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    JudgeCall,
    ProviderFailed,
    QualityChecked,
)
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.status import attempt_status
from llmesc.records.sinks.otel_span import DURATION, FIRST_CHUNK, OPERATION, TOKENS, Attributes, Measured, Span, known, stable_id

_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Attempt:
    """What was recorded of one."""

    started: AttemptStarted
    failed: ProviderFailed | None = None
    checked: QualityChecked | None = None
    finished: AttemptFinished | None = None
    priced: AttemptPriced | None = None


def attempt_span(attempt: Attempt, provider_name: Callable[[str], str], *, streams: bool) -> Span:
    """The call; it has to have ended."""
    started, finished, failed = attempt.started, attempt.finished, attempt.failed
    assert finished is not None, "only those that ended have a span"
    resolution, usage = started.resolution, finished.usage
    counted = not usage.estimated
    error = _error(attempt)
    cost = attempt.priced.cost if attempt.priced else finished.cost
    said: Mapping[str, Any] = {
        **_dimensions(resolution, provider_name),
        "gen_ai.request.stream": streams or None,
        "gen_ai.response.finish_reasons": [finished.finish_reason] if finished.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": finished.first_token_seconds if streams else None,
        "gen_ai.usage.input_tokens": usage.input_tokens if counted else None,
        "gen_ai.usage.output_tokens": usage.output_tokens if counted else None,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens if counted else None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens if counted else None,
        "error.type": error or None,
        "http.response.status_code": failed.failure.status if failed else None,
        "llmesc.attempt": started.attempt,
        "llmesc.attempt.id": started.attempt_id,
        "llmesc.ref": resolution.ref,
        "llmesc.tier": resolution.tier.label,
        "llmesc.move": started.move.value,
        "llmesc.probe": started.probe or None,
        "llmesc.hedges": started.hedges,
        "llmesc.lost_to": finished.lost_to,
        "llmesc.outcome": finished.outcome.value,
        "llmesc.status": attempt_status(finished.outcome, failed.failure.kind if failed else None),
        "llmesc.rule": failed.failure.rule if failed else None,
        "llmesc.quality.score": attempt.checked.score if attempt.checked else None,
        **_judged(finished.unfinished_judge or (attempt.checked.judge if attempt.checked else None)),
        "llmesc.request.id": finished.request_id,
        "llmesc.cost.usd": None if cost is None else float(cost),
    }
    return Span(
        name=f"{OPERATION} {resolution.model}",
        span_id=stable_id(f"attempt {started.attempt_id}", 8),
        started_at=started.at,
        ended_at=max(started.at, finished.at),
        attributes=known(said),
        remote=bool(resolution.endpoint),
        # The provider's own words may repeat the prompt; the rule that decided does not.
        error=f"{error}: {failed.failure.rule}" if failed and error else error,
    )


def _judged(judge: JudgeCall | None) -> Mapping[str, Any]:
    """What the judge of the answer used: under names of our own, so that nobody adds it to the attempt's tokens."""
    if judge is None:
        return {}
    return {
        "llmesc.judge.ref": judge.resolution.ref,
        "llmesc.judge.input_tokens": judge.usage.input_tokens,
        "llmesc.judge.output_tokens": judge.usage.output_tokens,
        "llmesc.judge.cost.usd": None if judge.cost is None else float(judge.cost),
    }


def _error(attempt: Attempt) -> str:
    """The kind of failure; empty where it is none, as with what was cancelled or lost to another."""
    finished = attempt.finished
    if finished is None or finished.outcome in (AttemptOutcome.SUCCESS, AttemptOutcome.CANCELLED):
        return ""
    return attempt.failed.failure.kind.value if attempt.failed else finished.outcome.value


def _dimensions(resolution: Resolution, provider_name: Callable[[str], str]) -> Attributes:
    """What spans and measurements have in common."""
    found: Attributes = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": provider_name(resolution.provider),
        "gen_ai.request.model": resolution.model,
    }
    try:
        parts = urlsplit(resolution.endpoint)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return found
    if parts.hostname and port:
        found |= {"server.address": parts.hostname, "server.port": port}
    return found


def measured(attempt: Attempt, provider_name: Callable[[str], str], *, streams: bool) -> list[Measured]:
    """How long it took, how long the first chunk did, and the tokens, as far as they are known."""
    finished = attempt.finished
    assert finished is not None, "only those that ended are measured"
    around, error = _dimensions(attempt.started.resolution, provider_name), _error(attempt)
    ended: Attributes = {**around, "error.type": error} if error else around
    found = [Measured(instrument=DURATION, value=finished.duration_seconds, attributes=ended)]
    if streams and finished.first_token_seconds is not None:
        found.append(Measured(instrument=FIRST_CHUNK, value=finished.first_token_seconds, attributes=around))
    usage = finished.usage
    for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        if tokens and not usage.estimated:  # the conventions want counted ones or none; a call that failed used none
            found.append(Measured(instrument=TOKENS, value=tokens, attributes={**around, "gen_ai.token.type": kind}))
    return found
