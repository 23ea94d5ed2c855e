"""Whether fallbacks carry the load because the primary does not answer, since when, and what that costs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import islice, takewhile

from llmesc.engine import CircuitLine, RunSummary
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.story import words

LOOKED_AT_RUNS = 1_000
"""Of the newest; a strain that is older says its least."""

FEWEST_RUNS = 3
"""Requests in a row that the primary did not answer, where its circuit says nothing: one weak answer is no strain."""

STALE_SECONDS = 900.0
"""Nobody asked for so long, and its circuit is closed: how the primary does now is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """A primary that has not answered the last requests of its chain."""

    chain: str
    primary: str
    """A reference."""
    since: Timestamp
    """The first of those requests began."""
    requests: int
    unanswered: int
    """Of those: nobody else answered either."""
    carried_by: tuple[str, ...]
    """References of those that answered instead, the most often first."""
    cost: Decimal
    """US dollars of those requests, as far as it is known."""


def strain(runs: Sequence[RunSummary], circuits: Sequence[CircuitLine], now: Timestamp) -> Strain | None:
    """Of the chain that was asked last; `runs` newest first. One that is cancelled or still runs tells nothing."""
    down = {line.key for line in circuits if line.state != "closed"}
    told: dict[tuple[str, str], list[RunSummary]] = {}
    for run in islice(runs, LOOKED_AT_RUNS):
        if run.primary is not None and run.outcome not in ("running", "cancelled"):
            told.setdefault((run.chain, run.primary), []).append(run)
    for (chain, primary), own in told.items():
        without = list(takewhile(lambda run: run.answered_by != run.primary, own))
        if without and _is_strain(without, CircuitKey.parse(primary.partition("/")[0]) in down, now):
            return _of(without, chain, primary)
    return None


def _is_strain(without: Sequence[RunSummary], circuit_is_down: bool, now: Timestamp) -> bool:
    if circuit_is_down:
        return True
    newest = without[0].finished_at or without[0].started_at
    return len(without) >= FEWEST_RUNS and now - newest <= STALE_SECONDS


def _of(without: Sequence[RunSummary], chain: str, primary: str) -> Strain:
    others = [run.answered_by for run in without if run.answered_by is not None]
    return Strain(
        chain=chain,
        primary=primary,
        since=without[-1].started_at,
        requests=len(without),
        unanswered=len(without) - len(others),
        carried_by=_most_often_first(others),
        cost=sum((run.cost for run in without if run.cost is not None), Decimal(0)),
    )


def _most_often_first(refs: Collection[str]) -> tuple[str, ...]:
    counted: dict[str, int] = {}
    for ref in refs:
        counted[ref] = counted.get(ref, 0) + 1
    return tuple(sorted(counted, key=lambda ref: -counted[ref]))


def strain_words(found: Strain, now: Timestamp) -> str:
    """`⚠ embedded/smollm2-135m has not answered for 12 min: 14 requests, carried by …, $0.42`."""
    parts = [words.plural(found.requests, "request")]
    if found.carried_by:
        more = f" and {len(found.carried_by) - 1} more" if len(found.carried_by) > 1 else ""
        parts.append(f"carried by {found.carried_by[0]}{more}")
    if found.unanswered:
        parts.append(f"{found.unanswered} unanswered")
    parts.append(words.money(found.cost))
    lasted = words.seconds(max(now - found.since, 0.0))
    return f"⚠ chain {found.chain}: {found.primary} has not answered for {lasted} · {' · '.join(parts)}"
