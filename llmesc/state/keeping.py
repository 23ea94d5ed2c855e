"""What a store that keeps runs for long can do beyond `Store`: prove that they are as they were written, and let old ones go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp

BY_ITSELF = "llmesc"
"""Who prunes where the configuration says how long runs are kept."""

Flaw = Literal["changed", "missing", "added", "unproven"]
"""What is wrong: something is not as it was written, or not there, or was not written by llmesc; or an anchor is not met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long runs are kept; without either, for ever."""

    keep_seconds: float | None = None
    """Runs that began earlier may go."""
    max_bytes: int | None = None
    """Of the file; the oldest runs go while it is larger."""


FOR_EVER = Retention()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that does not fit the chain."""

    flaw: Flaw
    run_id: str | None
    """None where it cannot be told whose it is."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a walk along the chain found."""

    runs: int
    """Whose every event is as it was written, in the order in which it was."""
    links: int
    """One for each piece that was written at once."""
    unchained_runs: int
    """With events from before there was a chain: nothing can be said of them."""
    pruned_runs: int
    """Let go by `prune`, which is on the chain itself."""
    pruned_at: Timestamp | None
    """The last time."""
    pruned_by: str | None
    """Who did it then: `user@host`, or `llmesc` by itself."""
    head: str
    """`POSITION:DIGEST` of the last link: whoever keeps it elsewhere can tell later whether all this was rewritten."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, or would go."""

    runs: int
    events: int
    bytes: int
    """Of events as they are stored; the indexes over them come on top."""
    oldest: Timestamp | None = None
    newest: Timestamp | None = None
    """When the first and the last of them began."""

    def __add__(self, other: Pruned) -> Pruned:
        """Both together."""
        return Pruned(
            runs=self.runs + other.runs,
            events=self.events + other.events,
            bytes=self.bytes + other.bytes,
            oldest=min((at for at in (self.oldest, other.oldest) if at is not None), default=None),
            newest=max((at for at in (self.newest, other.newest) if at is not None), default=None),
        )


NOTHING = Pruned(runs=0, events=0, bytes=0)


@runtime_checkable
class Keeper(Protocol):
    """A store with a chain over its records. All methods raise `StateUnavailable`."""

    async def verify(self, anchor: str | None = None) -> Verified:
        """Walks the chain; nothing is written. `anchor`: a head that an earlier walk told, which must be on it.

        Raises ValueError where that is none.
        """
        ...

    async def prunable(self, wanted: Retention) -> Pruned:
        """What `prune` would let go now; of a `max_bytes` about as much."""
        ...

    async def prune(self, wanted: Retention, who: str, *, steps: int | None = None) -> Pruned:
        """Lets go of runs that have ended and are not wanted any more, the oldest first, in small transactions, at most `steps`
        of them; what went.
        """
        ...

    async def sizes(self) -> tuple[int, int]:
        """Bytes of the file, and those among them that are free for what comes."""
        ...


def head_text(position: int, digest: bytes) -> str:
    """As `Verified.head` has it."""
    return f"{position}:{digest.hex()}"


def parse_head(text: str) -> tuple[int, bytes]:
    """The reverse. Raises ValueError."""
    position, _, digits = text.strip().partition(":")
    if not position.isdecimal() or len(digits) != 64:
        raise ValueError(f"{text[:80]!r} is no head of a chain; write POSITION:DIGEST, as `llmesc records verify` prints it")
    return int(position), bytes.fromhex(digits)


def one_problem_each(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first of each run: what follows from it says nothing new. What belongs to no run is all kept."""
    seen: set[str] = set()
    kept = []
    for problem in problems:
        if problem.run_id is None or problem.run_id not in seen:
            kept.append(problem)
        if problem.run_id is not None:
            seen.add(problem.run_id)
    return tuple(kept)
