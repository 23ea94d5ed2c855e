"""What the screen shows at one moment, as values. Pure: a feed makes boards, widgets render slices of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from llmesc.engine import CircuitLine, DayTotals, RunSummary
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.times import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """Whether what is shown is the present."""

    place: str = ""
    """What the store is, for the header: `sqlite`, `memory`, `redis`."""
    away_since: Timestamp | None = None
    """Set while the store does not answer; the board is then as old as that."""
    problem: str = ""
    """In the store's words, without secrets."""
    instead: str = ""
    """What this is where it is not the present of a store: a replay and where it stands, a demonstration. Said all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything the screen shows. A newer board shares what has not changed with the older one, so that a widget sees by `is`
    whether it has anything to do.
    """

    now: Timestamp
    runs: tuple[RunSummary, ...] = ()
    """Newest first, running and past, of all processes; bounded."""
    views: Mapping[str, RunView] = field(default_factory=dict)
    """By run id: the fold of every run that is followed (own, running, chosen)."""
    timelines: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    """By run id: the events of the followed runs without the tokens, in order."""
    own: frozenset[str] = frozenset()
    """Runs that this dashboard started itself, and can cancel."""
    circuits: tuple[CircuitLine, ...] = ()
    denials: tuple[Denial, ...] = ()
    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    """When circuits open; for `1.5/3`."""
    today: DayTotals | None = None
    """Since midnight of the operator's clock."""
    store: StoreState = field(default_factory=StoreState)
    caption: str = ""
    """What is to be seen now, for newcomers; only a demonstration says it."""
    events_seen: int = 0
    """Of all runs since the dashboard began; the difference of two boards is what came between."""
