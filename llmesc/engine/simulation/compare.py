"""What differs between two plays of the same runs, and how close a play of the present policy comes to the record. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llmesc.engine.simulation.rules import Played
from llmesc.escalation.light_dataclass import dataclass
from llmesc.state.past import PastRun

Turnabout = Literal["answered_now", "no_longer_answered", "answered_by_another", "unknown"]
"""What became of a run: it is answered under the policy, and was not before; the other way round; it is answered in both, by
another candidate; or nobody knows any more.
"""

SHOWN_IDS = 5
"""Runs that are named for each change: to be looked at with `history show`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The runs of one change."""

    change: Turnabout
    runs: int
    ids: tuple[str, ...]
    """Some of them, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How often a play under the present policy ends as the record does."""

    runs: int
    same_outcome: int
    same_candidate: int
    """Of these: with the same candidate's answer, or likewise with none."""
    same_calls: int
    """Of these: after the same calls, in the same order."""

    @property
    def share(self) -> float | None:
        """Of the runs that ended with the same outcome by the same candidate, 0 to 1; None without runs."""
        return self.same_candidate / self.runs if self.runs else None


def changed(runs: Sequence[PastRun], before: Sequence[Played], after: Sequence[Played]) -> tuple[Changed, ...]:
    """What became of which, what lost an answer first; changes that no run shows are left out."""
    ids: dict[Turnabout, list[str]] = {"no_longer_answered": [], "answered_now": [], "answered_by_another": [], "unknown": []}
    for run, one, other in zip(runs, before, after, strict=True):
        if (change := _change(one, other)) is not None:
            ids[change].append(run.run_id)
    return tuple(
        Changed(change=change, runs=len(found), ids=tuple(found[-SHOWN_IDS:][::-1])) for change, found in ids.items() if found
    )


def fidelity(record: Sequence[Played], play: Sequence[Played]) -> Fidelity:
    """Of a play under the policy that made the record, or is closest to it."""
    pairs = [(one, other) for one, other in zip(record, play, strict=True) if one.outcome == other.outcome]
    alike = [(one, other) for one, other in pairs if one.answered_by == other.answered_by]
    return Fidelity(
        runs=len(record),
        same_outcome=len(pairs),
        same_candidate=len(alike),
        same_calls=sum([call.key for call in one.calls] == [call.key for call in other.calls] for one, other in alike),
    )


def _change(before: Played, after: Played) -> Turnabout | None:
    if after.outcome == "unknown":
        return None if before.outcome == "unknown" else "unknown"
    if before.outcome == "answered":
        if after.outcome != "answered":
            return "no_longer_answered"
        return None if before.answered_by == after.answered_by else "answered_by_another"
    return "answered_now" if after.outcome == "answered" and before.outcome != "unknown" else None
