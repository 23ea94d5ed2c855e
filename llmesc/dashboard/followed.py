"""The runs whose events are known: each folded as they come, with its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from types import MappingProxyType

from llmesc.escalation.events import Event, RunFinished, TextDelta, ThinkingDelta
from llmesc.escalation.fold import RunView, fold

KEPT_EVENTS = 5_000
"""Of one timeline; its oldest go first."""


class Followed:
    """Views and timelines by run id. A run's events are added in order; one that is there already is ignored."""

    def __init__(self, kept: int) -> None:
        """`kept`: how many runs that nobody wants any more are remembered all the same."""
        self._kept = kept
        self._views: dict[str, RunView] = {}
        self._timelines: dict[str, tuple[Event, ...]] = {}
        self._last: dict[str, int] = {}
        self.seen = 0
        """Events added, of all runs."""

    @property
    def views(self) -> Mapping[str, RunView]:
        """The folds."""
        return MappingProxyType(dict(self._views))

    @property
    def timelines(self) -> Mapping[str, tuple[Event, ...]]:
        """The events without the tokens."""
        return MappingProxyType(dict(self._timelines))

    def add(self, event: Event) -> None:
        """One more."""
        if event.seq <= self.last_seq(event.run_id):
            return
        run_id = event.run_id
        self._last[run_id] = event.seq
        self._views[run_id] = fold(self._views.pop(run_id, RunView()), event)
        if not isinstance(event, TextDelta | ThinkingDelta):
            self._timelines[run_id] = (*self._timelines.get(run_id, ())[-KEPT_EVENTS:], event)
        self.seen += 1

    def last_seq(self, run_id: str) -> int:
        """Of the last event that is known; -1 for none."""
        return self._last.get(run_id, -1)

    def ended(self, run_id: str) -> bool:
        """Whether nothing more can come."""
        view = self._views.get(run_id)
        timeline = self._timelines.get(run_id, ())
        return view is not None and bool(timeline) and isinstance(timeline[-1], RunFinished)

    def stand(self, interrupted: Set[str]) -> None:
        """Says of each run without an end whether its process is gone."""
        for run_id, view in self._views.items():
            if view.interrupted != (now := run_id in interrupted and view.outcome is None):
                self._views[run_id] = replace(view, interrupted=now)

    def forget(self, wanted: Set[str]) -> None:
        """Lets go of the runs that were not touched longest, but for those wanted and the kept ones."""
        unwanted = [run_id for run_id in self._views if run_id not in wanted]
        for run_id in unwanted[: max(len(unwanted) - self._kept, 0)]:
            del self._views[run_id], self._last[run_id]
            self._timelines.pop(run_id, None)
