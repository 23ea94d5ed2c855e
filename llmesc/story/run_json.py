"""The JSON object of one run: what `ask --json` and `history show --json` print. Its keys are a contract: add, never change."""

from __future__ import annotations

from typing import Any

from llmesc.escalation.codec import encode
from llmesc.escalation.ending import run_error
from llmesc.escalation.events import (
    SCHEMA,
    Answer,
    CandidateSkipped,
    CircuitChanged,
    JudgeCall,
    ModelDenied,
    ProviderSwitched,
    Rejected,
    ToolCallFinished,
    ToolCallRequested,
    Totals,
)
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.status import OF_SKIPS, attempt_status, run_status
from llmesc.escalation.times import Timestamp, rfc3339


def run_json(view: RunView, outcome: str | None = None) -> dict[str, Any]:
    """The whole run. `outcome` stands in where the run never wrote its end (`running`, `interrupted`)."""
    return {
        "schema": SCHEMA,
        "run_id": view.run_id or None,
        "outcome": outcome or view.outcome,
        "status": run_status(outcome or view.outcome),
        "started_at": time_json(view.started_at),
        "chain": view.chain.name if view.chain else None,
        "answer": _answer(view.answer) if view.answer else None,
        "attempts": [_attempt(attempt) for attempt in view.attempts],
        "skipped": [_skip(skip) for skip in view.skipped],
        "rejected": [_skip(rejected) for rejected in view.chain.rejected] if view.chain else [],
        "switches": [_switch(switch) for switch in view.switches],
        "circuits": [_circuit(change) for change in view.circuits],
        "denied": [_denial(denied) for denied in view.denied],
        "totals": _totals(view.totals) if view.totals else None,
        "error": _error(view),
        "capture": view.capture,
        "caller": dict(view.caller),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    billed = totals.billed_cost
    return {**encode(totals), "billed_cost": None if billed is None else str(billed)}


def failure_json(error_type: str, message: str, *, problems: tuple[str, ...] = (), hint: str = "") -> dict[str, Any]:
    """The object of a request that never became a run: the same keys, and why."""
    empty = run_json(RunView(), outcome="error")
    return {**empty, "error": _error_object(error_type, message, problems=list(problems), hint=hint or None)}


def _error(view: RunView) -> dict[str, Any] | None:
    error = run_error(view)
    if error is None:
        return None
    return _error_object(
        type(error).__name__,
        str(error),
        cause=encode(error.cause) if error.cause else None,
        retry_at=time_json(error.retry_at),
    )


def _error_object(error_type: str, message: str, **rest: Any) -> dict[str, Any]:
    return {"type": error_type, "message": message, "cause": None, "retry_at": None, "problems": [], "hint": None, **rest}


def _candidate(resolution: Resolution) -> dict[str, Any]:
    return {
        "ref": resolution.ref,
        "tier": resolution.tier.label,
        "offering_id": resolution.offering.offering_id,
        "simulated": resolution.simulated,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "answered_by": answer.resolution.ref,
        "attempt": answer.attempt,
        "tier": answer.resolution.tier.label,
        "offering_id": answer.resolution.offering.offering_id,
        "simulated": answer.resolution.simulated,
        "ranges": [encode(part) for part in answer.ranges],
        "score": answer.score,
        "finish_reason": answer.finish_reason,
        "tool_calls": [dict(call) for call in answer.tool_calls],
    }


def _attempt(attempt: AttemptView) -> dict[str, Any]:
    quality = attempt.quality
    return {
        "attempt": attempt.attempt,
        **_candidate(attempt.resolution),
        "move": attempt.move,
        "probe": attempt.probe,
        "allowance": encode(attempt.allowance) if attempt.allowance else None,
        "reserved": encode(attempt.reserved) if attempt.reserved else None,
        "started_at": time_json(attempt.started_at),
        "outcome": attempt.outcome,
        "status": attempt_status(attempt.outcome, attempt.failure.kind if attempt.failure else None),
        "failure": encode(attempt.failure) if attempt.failure else None,
        "quality": None
        if quality is None
        else {
            "score": quality.score,
            "threshold": quality.threshold,
            "passed": quality.passed,
            "reasons": list(quality.reasons),
            "judge": _judge(quality.judge) if quality.judge else None,
        },
        "judge": _judge(attempt.judge) if attempt.judge else None,
        "usage": encode(attempt.usage) if attempt.usage else None,
        "cost": None if attempt.cost is None else str(attempt.cost),
        "cost_estimated": attempt.cost_estimated,
        "price": None if attempt.price is None else encode(attempt.price),
        "first_token_seconds": attempt.first_token_seconds,
        "duration_seconds": attempt.duration_seconds,
        "characters": attempt.characters,
        "discarded": attempt.discarded,
        "held_characters": attempt.held_characters,
        "continues_characters": attempt.continues_characters,
        "repeated_characters": attempt.repeated_characters,
        "hedges": attempt.hedges,
        "lost_to": attempt.lost_to,
        "finish_reason": attempt.finish_reason,
        "tool_calls": _tool_calls(attempt),
        "request_id": attempt.request_id,
    }


def _judge(call: JudgeCall) -> dict[str, Any]:
    return {
        **_candidate(call.resolution),
        "usage": encode(call.usage),
        "cost": None if call.cost is None else str(call.cost),
        "duration_seconds": call.duration_seconds,
        "reserved": encode(call.reserved) if call.reserved else None,
    }


def _tool_calls(attempt: AttemptView) -> list[dict[str, Any]]:
    """What it asked for, and what came of it: null where it was not run."""
    results = {
        event.call_id: {"content": event.result, "is_error": event.is_error, "duration_seconds": event.duration_seconds}
        for event in attempt.tools
        if isinstance(event, ToolCallFinished)
    }
    return [
        {"call_id": event.call_id, "name": event.name, "arguments": event.arguments, "result": results.get(event.call_id)}
        for event in attempt.tools
        if isinstance(event, ToolCallRequested)
    ]


def _skip(skip: CandidateSkipped | Rejected) -> dict[str, Any]:
    return {
        **_candidate(skip.resolution),
        "reason": skip.reason,
        "status": OF_SKIPS.get(skip.reason),
        "detail": skip.detail,
        "retry_at": time_json(skip.retry_at),
    }


def _switch(switch: ProviderSwitched) -> dict[str, Any]:
    return {
        "from": switch.from_resolution.ref,
        "to": switch.to_resolution.ref,
        "move": switch.move,
        "because": switch.because,
        "detail": switch.detail,
        "tier_upgrade": switch.tier_upgrade,
        "characters_discarded": switch.characters_discarded,
        "characters_kept": switch.characters_kept,
    }


def _circuit(change: CircuitChanged) -> dict[str, Any]:
    return {
        "circuit": str(change.key),
        "before": change.before,
        "after": change.after,
        "cause": encode(change.cause),
        "retry_at": time_json(change.retry_at),
    }


def _denial(denied: ModelDenied) -> dict[str, Any]:
    return {"model": str(denied.key), "until": time_json(denied.until), "cause": encode(denied.cause)}


def time_json(at: Timestamp | None) -> str | None:
    """RFC 3339, or null."""
    return None if at is None else rfc3339(at)
