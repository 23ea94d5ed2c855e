"""The JSON object of one recorded run: that of the live run, and what only the record as a whole can say."""

from __future__ import annotations

from typing import Any

from llmesc.escalation.codec import encode
from llmesc.escalation.status import attempt_status
from llmesc.story.ledger import ledger
from llmesc.story.run_json import run_json
from llmesc.story.run_report import RunReport, Step


def report_json(report: RunReport) -> dict[str, Any]:
    """What `history show --json` prints. Its keys are a contract: add, never change."""
    view = report.view
    made = run_json(view, outcome=report.outcome)
    known = {row.attempt: row.outcome for row in report.rows}
    for attempt in made["attempts"]:
        if attempt["outcome"] is None:  # nobody wrote its end
            attempt["outcome"] = known.get(attempt["attempt"])
            attempt["status"] = attempt_status(attempt["outcome"])
    return {
        **made,
        "prompt": view.request.prompt if view.request else None,
        "limits": encode(view.limits) if view.limits else None,
        "ledger": encode(ledger(view)),
        "steps": [_step(step) for step in report.steps],
        "not_kept": report.kept or None,
    }


def _step(step: Step) -> dict[str, Any]:
    """In the order of time: where each bar begins and ends, in seconds since the start, and the words beside it."""
    return {
        "mark": step.mark,
        "attempt": int(step.number) if step.number else None,
        "candidate": step.name or None,
        "text": step.text,
        "status": step.status,
        "began_seconds": step.ran.began if step.ran else None,
        "first_token_seconds": step.ran.first_token if step.ran else None,
        "ended_seconds": step.ran.ended if step.ran else None,
        "details": list(step.details),
    }
