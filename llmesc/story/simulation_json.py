"""The JSON object of `chain simulate`. Its keys are a contract: add, never change. Pure."""

from __future__ import annotations

from typing import Any

from llmesc.engine.simulation.sums import Calls, Sums, gained
from llmesc.engine.simulation.what_if import Simulation
from llmesc.escalation.events import SCHEMA
from llmesc.escalation.times import rfc3339


def simulation_json(told: Simulation) -> dict[str, Any]:
    """All of it: counts are numbers, times seconds, money is decimal text, shares go from 0 to 1."""
    query = told.question
    return {
        "schema": SCHEMA,
        "since": rfc3339(query.since),
        "until": rfc3339(query.until),
        "chain": query.chain,
        "caller": query.caller,
        "provider": query.provider,
        "seed": told.question.seed,
        "requests": told.recorded.runs,
        "left_out": dict(told.left_out),
        "changes": [
            {
                "key": change.key,
                "before": change.before,
                "after": change.after,
                "played": not change.why_not,
                "why_not": change.why_not or None,
            }
            for change in told.changes
        ],
        "recorded": _side(told.recorded),
        "present": _side(told.before),
        "policy": _side(told.after),
        "difference": _difference(told.before, told.after),
        "changed": [{"change": change.change, "requests": change.runs, "run_ids": list(change.ids)} for change in told.changed],
        "fidelity": {
            "requests": told.fidelity.runs,
            "same_outcome": told.fidelity.same_outcome,
            "same_candidate": told.fidelity.same_candidate,
            "same_calls": told.fidelity.same_calls,
            "share": told.fidelity.share,
        },
        "unknown_candidates": [{"ref": str(key), "requests": runs} for key, runs in told.strangers.items()],
        "other_chains": list(told.other_chains),
    }


def _side(sums: Sums) -> dict[str, Any]:
    share = sums.share
    return {
        "answered": sums.answered,
        "answered_share": None if share is None else {"least": share[0], "most": share[1]},
        "outcomes": dict(sums.outcomes),
        "rests_on": {
            "recorded": sums.runs - sums.assumed - sums.unknown,
            "assumed": sums.assumed,
            "unknown": sums.unknown,
        },
        "latency_seconds": {"p50": sums.p50_seconds, "p95": sums.p95_seconds},
        **_calls(sums.total),
        "providers": [{"provider": name, **_calls(calls)} for name, calls in sums.providers.items()],
        "candidates": [{"ref": str(key), **_calls(calls)} for key, calls in sums.candidates.items()],
    }


def _calls(calls: Calls) -> dict[str, Any]:
    return {
        "calls": calls.calls,
        "calls_assumed": calls.assumed,
        "cost": f"{calls.cost:f}",
        "cost_unknown_calls": calls.cost_unknown,
    }


def _difference(before: Sums, after: Sums) -> dict[str, Any]:
    """From the present configuration to the policy; None where one of the two is not known."""
    cost, spread = after.total.cost - before.total.cost, gained(before, after)
    return {
        "answered": after.answered - before.answered,
        "answered_share": None if spread is None else {"least": spread[0], "most": spread[1]},
        "latency_seconds": {
            "p50": _less(after.p50_seconds, before.p50_seconds),
            "p95": _less(after.p95_seconds, before.p95_seconds),
        },
        "calls": after.total.calls - before.total.calls,
        "cost": f"{cost:f}",
    }


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
