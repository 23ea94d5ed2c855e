"""In which order requests are listed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, get_args

from llmesc.engine import RunSummary
from llmesc.escalation.times import Timestamp

Order = Literal["newest", "dearest", "longest", "most tokens", "most attempts"]

ORDERS: tuple[Order, ...] = get_args(Order)


def ordered(runs: Sequence[RunSummary], order: Order, now: Timestamp) -> Sequence[RunSummary]:
    """`runs`, which come newest first, in that order; of equals the newest first, what is not known last."""
    if order == "newest":
        return runs
    weight = _WEIGHTS[order]
    return sorted(runs, key=lambda run: weight(run, now), reverse=True)


_WEIGHTS: Mapping[Order, Callable[[RunSummary, Timestamp], float | Decimal]] = {
    "dearest": lambda run, _: -1 if run.cost is None else run.cost,
    "longest": lambda run, now: (run.finished_at or now) - run.started_at,
    "most tokens": lambda run, _: (run.input_tokens or 0) + (run.output_tokens or 0),
    "most attempts": lambda run, _: run.attempts,
}
