"""The typed error that a run without an accepted answer makes."""

from __future__ import annotations

from llmesc.escalation.chain import empty_chain_error
from llmesc.escalation.errors import (
    CALL_ERRORS,
    AttemptReport,
    BelowQualityBar,
    DeadlineExceeded,
    EscalationExhausted,
    NothingCallable,
    PolicyStopped,
    RunCancelled,
    RunError,
)
from llmesc.escalation.events import AttemptOutcome, RunOutcome
from llmesc.escalation.fold import RunView
from llmesc.escalation.times import rfc3339


def run_error(view: RunView) -> RunError | None:
    """None for an answered run. One candidate that failed raises its own error, several raise `EscalationExhausted`; either
    carries every attempt and skip in order, the most actionable cause, the soonest retry and the best answer.
    """
    if view.outcome is None or view.outcome is RunOutcome.ANSWERED:
        return None
    if view.chain is not None and not view.chain.candidates and view.outcome is RunOutcome.NOTHING_CALLABLE:
        empty = empty_chain_error(view.chain)
        empty.run_id = view.run_id
        return empty
    return _class_of(view)(
        _message(view),
        outcome=view.outcome,
        attempts=_reports(view),
        cause=view.cause,
        retry_at=view.retry_at,
        best_answer=view.answer,
        run_id=view.run_id,
    )


def _class_of(view: RunView) -> type[RunError]:
    match view.outcome:
        case RunOutcome.BELOW_BAR:
            return BelowQualityBar
        case RunOutcome.DEADLINE:
            return DeadlineExceeded
        case RunOutcome.POLICY:
            return PolicyStopped
        case RunOutcome.CANCELLED:
            return RunCancelled
        case RunOutcome.NOTHING_CALLABLE:
            return NothingCallable
        case _:
            # In a run without an answer only a finished round of tools succeeded; and who was hedged away failed in nothing.
            others = [attempt for attempt in view.attempts if attempt.lost_to is None]
            failed = [attempt for attempt in others if attempt.outcome is not AttemptOutcome.SUCCESS]
            alone = len(failed) == 1 and not view.skipped
            return CALL_ERRORS[view.cause.kind] if alone and view.cause else EscalationExhausted


def _reports(view: RunView) -> tuple[AttemptReport, ...]:
    lines = [
        (
            attempt.started_ms,
            AttemptReport(
                resolution=attempt.resolution,
                outcome=attempt.outcome,
                failure=attempt.failure,
                reasons=attempt.quality.reasons if attempt.quality else (),
                hedged_away=attempt.lost_to is not None,
            ),
        )
        for attempt in view.attempts
    ]
    lines += [
        (skip.elapsed_ms, AttemptReport(resolution=skip.resolution, outcome=None, skipped=skip.reason)) for skip in view.skipped
    ]
    return tuple(report for _, report in sorted(lines, key=lambda line: line[0]))


def _message(view: RunView) -> str:
    story = "; ".join(_line(report) for report in _reports(view))
    head = {
        RunOutcome.BELOW_BAR: "no answer reached the quality bar",
        RunOutcome.DEADLINE: "the time or the money for the run is spent",
        RunOutcome.POLICY: "stopped by policy",
        RunOutcome.CANCELLED: "cancelled",
        RunOutcome.NOTHING_CALLABLE: "no candidate can be called now",
    }.get(view.outcome or RunOutcome.EXHAUSTED, "every call failed")
    tail = f"; soonest retry {rfc3339(view.retry_at)}" if view.retry_at is not None else ""
    return f"{head}: {story}{tail}" if story else f"{head}{tail}"


def _line(report: AttemptReport) -> str:
    if report.outcome is None:
        return f"{report.resolution.ref}: skipped, {report.skipped}"
    if report.failure is not None:
        return f"{report.resolution.ref}: {report.failure.kind} ({report.failure.message})"
    outcome = "hedged away" if report.hedged_away else report.outcome
    return f"{report.resolution.ref}: {', '.join(report.reasons) or outcome}"
