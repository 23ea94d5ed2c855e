"""What waits for the sinks: an index over the recorded events in the order of their writing, and each sink's place in it.

Nothing is kept twice: a stretch names events that lie in the record, which keeps them for as long as a sink waits for them. What
becomes of a sink's standing is decided here, without a store: the stores set it if nothing else came between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from llmesc.escalation.codec import decode, encode
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp

T = TypeVar("T")

SEEN_AGAIN_SECONDS = 3_600.0
"""How old the note that a sink is still configured may get before it is written anew: one small write an hour."""


class Stretch(NamedTuple):
    """Unbroken events of one run that were written together."""

    position: int
    """1, 2, 3 … in the order of writing, over all runs and processes."""
    run_id: str
    first_seq: int
    last_seq: int
    written_at: Timestamp
    """By the store's clock."""
    size: int
    """Bytes, as the store keeps them."""

    @property
    def events(self) -> int:
        """How many they are."""
        return self.last_seq - self.first_seq + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkState:
    """How far one sink is, shared by all processes. All times are of the store's clock."""

    position: int
    """All up to here was delivered, or dropped."""
    seen_at: Timestamp
    """When a process last had it in its configuration."""
    max_age_seconds: float
    """What is older is dropped; so is the sink itself, when nobody has it configured for so long."""
    delivered: int = 0
    """Events, over all time."""
    delivered_at: Timestamp | None = None
    dropped: int = 0
    """Events that were too old or too many, over all time."""
    dropped_at: Timestamp | None = None
    failures: int = 0
    """In a row."""
    retry_at: Timestamp | None = None
    """It is left alone until then."""
    last_error: str = ""
    stopped: str = ""
    """Why nothing goes there until an operator says `records flush`; empty: it is not stopped."""
    lease: str = ""
    """The token of who delivers to it now."""
    leased_until: Timestamp | None = None


Decide = Callable[[SinkState | None, int, Timestamp], tuple[SinkState | None, T]]
"""From the present state (None: nobody knows the sink), the newest position and the store's time: the state to set (None: leave
it as it is), and what to answer."""


IsDead = Callable[[str], bool]
"""Whether the process that made a lease's token is known to be gone; of another host's nothing is known."""


def nobody_is_dead(_token: str) -> bool:
    """Where nothing is known of any."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much waits for a sink that is down."""

    max_age_seconds: float
    max_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a sink that failed is left alone: doubled at each failure in a row, jitter only upward."""

    first_seconds: float = 1.0
    longest_seconds: float = 900.0
    jitter: float = 0.25

    def pause(self, failures: int, random: float) -> float:
        """Seconds after so many failures in a row; `random` is in [0, 1)."""
        doubled: float = self.first_seconds * 2.0 ** min(failures - 1, 32)
        return min(doubled, self.longest_seconds) * (1 + self.jitter * random)


# -- what becomes of a standing ---------------------------------------------------------------------------------------------


def followed(max_age_seconds: float) -> Decide[None]:
    """A process has it configured. A new one begins behind what was written before."""

    def decide(state: SinkState | None, newest: int, now: Timestamp) -> tuple[SinkState | None, None]:
        if state is None:
            return SinkState(position=newest, seen_at=now, max_age_seconds=max_age_seconds), None
        if state.position > newest:  # the store is an older copy of itself: rather twice than never
            return replace(state, position=0, seen_at=now, max_age_seconds=max_age_seconds), None
        fresh = now - state.seen_at < SEEN_AGAIN_SECONDS and state.max_age_seconds == max_age_seconds
        return (None if fresh else replace(state, seen_at=now, max_age_seconds=max_age_seconds)), None

    return decide


def is_free(*, by_operator: bool, is_dead: IsDead = nobody_is_dead) -> Decide[bool]:
    """Asks whether a claim would be granted now."""

    def decide(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, bool]:
        return None, _is_free(state, now, is_dead, by_operator=by_operator)

    return decide


def claimed(
    token: str, lease_seconds: float, *, by_operator: bool = False, is_dead: IsDead = nobody_is_dead
) -> Decide[SinkState | None]:
    """Asks to deliver to it, alone for so long; the state where that is granted. An operator does not wait for the backoff, and
    starts one that was stopped. The lease of a process that is known to be dead is free.
    """

    def decide(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, SinkState | None]:
        if state is None or not _is_free(state, now, is_dead, by_operator=by_operator):
            return None, None
        taken = replace(state, lease=token, leased_until=Timestamp(now + lease_seconds), stopped="")
        return taken, taken

    return decide


def _is_free(state: SinkState | None, now: Timestamp, is_dead: IsDead, *, by_operator: bool) -> bool:
    if state is None or (state.leased_until is not None and now < state.leased_until and not is_dead(state.lease)):
        return False
    rests = state.retry_at is not None and now < state.retry_at
    return by_operator or not (state.stopped or rests)


def confirmed(token: str, position: int, events: int, lease_seconds: float, *, missing: int = 0) -> Decide[bool]:
    """It has everything up to `position`: `events` more than before, and `missing` that the record had no more. False: the lease
    is another's by now, which delivers them again.
    """

    def decide(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, bool]:
        if state is None or state.lease != token:
            return None, False
        moved = replace(
            state,
            position=max(position, state.position),
            delivered=state.delivered + events,
            delivered_at=now if events else state.delivered_at,
            dropped=state.dropped + missing,
            dropped_at=now if missing else state.dropped_at,
            failures=0,
            retry_at=None,
            last_error="",
            leased_until=Timestamp(now + lease_seconds),
        )
        return moved, True

    return decide


def bounded(start: int, waiting: Sequence[Stretch], bounds: Bounds) -> Decide[int]:
    """Gives up what is beyond the bounds of all that waits behind `start`, also while the sink rests or is stopped; how many
    events it never gets. Nothing happens where it has moved on meanwhile, or somebody delivers to it: who does has looked before.
    """

    def decide(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, int]:
        if state is None or state.position != start or (state.leased_until is not None and now < state.leased_until):
            return None, 0
        cut = cut_off(waiting, bounds, now)
        if not cut:
            return None, 0
        events = sum(stretch.events for stretch in waiting[:cut])
        position = waiting[cut - 1].position
        return replace(state, position=position, dropped=state.dropped + events, dropped_at=now), events

    return decide


def cut_off(waiting: Sequence[Stretch], bounds: Bounds, now: Timestamp) -> int:
    """How many of the oldest are beyond the bounds."""
    size = sum(stretch.size for stretch in waiting)
    for index, stretch in enumerate(waiting):
        if size <= bounds.max_size_bytes and now - stretch.written_at <= bounds.max_age_seconds:
            return index
        size -= stretch.size
    return len(waiting)


def abandoned(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, bool]:
    """Asks whether no process has had it configured for as long as anything would be kept for it."""
    return None, state is not None and now - state.seen_at > state.max_age_seconds + SEEN_AGAIN_SECONDS


def failed(token: str, error: str, backoff: Backoff, random: float, retry_after_seconds: float | None = None) -> Decide[bool]:
    """It did not take what it was given: it is left alone for a while, and no shorter than it asked for."""

    def decide(state: SinkState | None, _newest: int, now: Timestamp) -> tuple[SinkState | None, bool]:
        if state is None or state.lease != token:
            return None, False
        failures = state.failures + 1
        pause = max(backoff.pause(failures, random), retry_after_seconds or 0.0)
        retry_at = Timestamp(now + pause)
        return replace(state, failures=failures, retry_at=retry_at, last_error=error, lease="", leased_until=None), True

    return decide


def stopped(token: str, words: str) -> Decide[bool]:
    """It wants no more: nothing goes there until an operator says so."""

    def decide(state: SinkState | None, _newest: int, _now: Timestamp) -> tuple[SinkState | None, bool]:
        if state is None or state.lease != token:
            return None, False
        return replace(state, stopped=words, last_error=words, lease="", leased_until=None), True

    return decide


def released(token: str) -> Decide[bool]:
    """Who delivered goes on to something else."""

    def decide(state: SinkState | None, _newest: int, _now: Timestamp) -> tuple[SinkState | None, bool]:
        if state is None or state.lease != token:
            return None, False
        return replace(state, lease="", leased_until=None), True

    return decide


def delivered_to_all(states: Mapping[str, SinkState]) -> int:
    """Up to here nobody waits for anything."""
    return min((state.position for state in states.values()), default=0)


# -- as text ------------------------------------------------------------------------------------------------------------------


def stored_sink(state: SinkState) -> str:
    """JSON."""
    return json.dumps(encode(state), separators=(",", ":"))


def read_sink(body: str | bytes) -> SinkState | None:
    """The reverse; None where it cannot be read: it then begins anew."""
    try:
        return decode(SinkState, json.loads(body))
    except (ValueError, KeyError, TypeError):
        return None
