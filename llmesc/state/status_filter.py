"""Which runs are meant by the words of `escalation/status`: the same for every store. Pure.

A run has one of five of the ten words; the other five are of its calls alone. So a word that a run can have means the runs that
ended so, and one that only a call can have means the runs with a call that ended so: `rate_limited` finds what met a limit,
whoever answered in the end.
"""

from __future__ import annotations

from collections.abc import Collection

from llmesc.escalation.events import AttemptOutcome
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.status import OF_ATTEMPTS, OF_FAILURES, OF_RUNS, Status

OF_RUNS_ALONE = frozenset(OF_RUNS.values())
"""The words that say how a whole run ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFilter:
    """A run that fits one of the words."""

    run_outcomes: frozenset[str]
    """Runs that ended so: a `RunOutcome`, or `interrupted`."""
    call_outcomes: frozenset[str]
    """Runs with an attempt that ended so: an `AttemptOutcome`."""
    failure_kinds: frozenset[str]
    """Runs with an attempt that ended as `error` with such a failure."""

    def fits(self, run_outcome: str, calls: Collection[tuple[str | None, str | None]]) -> bool:
        """`calls`: outcome and kind of failure of each attempt, as stores hold them."""
        return run_outcome in self.run_outcomes or any(
            outcome in self.call_outcomes or (outcome == AttemptOutcome.ERROR and kind in self.failure_kinds)
            for outcome, kind in calls
        )


def status_filter(words: Collection[Status]) -> StatusFilter:
    """What `words` mean together."""
    of_calls = set(words) - OF_RUNS_ALONE
    return StatusFilter(
        run_outcomes=frozenset(str(outcome) for outcome, status in OF_RUNS.items() if status in words),
        call_outcomes=frozenset(str(outcome) for outcome, status in OF_ATTEMPTS.items() if status in of_calls),
        failure_kinds=frozenset(kind.value for kind, status in OF_FAILURES.items() if status in of_calls),
    )
