"""How far each sink is, for `records status` and `doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.config.model import SinkConfig
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp
from llmesc.state.outbox import SinkState
from llmesc.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus:
    """One line of `records status`."""

    name: str
    kind: str
    """Of its configuration; `forgotten` where only the state knows it."""
    target: str
    """Where it delivers: a path or a URL."""
    waiting: int
    """Events."""
    waiting_since: Timestamp | None
    """When the oldest of them was written."""
    delivered: int
    delivered_at: Timestamp | None
    dropped: int
    dropped_at: Timestamp | None
    failures: int
    """In a row."""
    retry_at: Timestamp | None
    last_error: str
    stopped: bool
    """It gets nothing until `records flush`."""


async def standings(sinks: Sequence[SinkConfig], store: Store) -> Sequence[SinkStatus]:
    """Every configured sink, and those that only the state knows. Raises `StateUnavailable`."""
    states, configured = await store.sinks(), {sink.name: sink for sink in sinks}
    names = (*configured, *sorted(states.keys() - configured.keys()))
    return [await _standing(name, configured.get(name), states.get(name), store) for name in names]


async def _standing(name: str, sink: SinkConfig | None, known: SinkState | None, store: Store) -> SinkStatus:
    from llmesc.records.delivery import all_waiting

    state = known or SinkState(position=0, seen_at=Timestamp(0.0), max_age_seconds=0.0)
    waiting = [stretch async for stretch in all_waiting(store, state.position)] if known else []
    return SinkStatus(
        name=name,
        kind=sink.kind if sink else "forgotten",
        target=_target(sink),
        waiting=sum(stretch.events for stretch in waiting),
        waiting_since=waiting[0].written_at if waiting else None,
        delivered=state.delivered,
        delivered_at=state.delivered_at,
        dropped=state.dropped,
        dropped_at=state.dropped_at,
        failures=state.failures,
        retry_at=state.retry_at,
        last_error=state.last_error,
        stopped=bool(state.stopped),
    )


def _target(sink: SinkConfig | None) -> str:
    if sink is None:
        return ""
    return str(sink.path) if sink.path is not None else (sink.url or "").partition("?")[0]
