"""The hash chain over what is recorded in SQLite: each piece of events that is written carries the digest of all before it.

A link is made in the transaction that writes its events (`sqlite_links`). Who changes, removes, inserts or moves a stored event
breaks the chain there. Who can write the file can also make the whole chain anew: against that helps only a head that was kept
elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from sqlite3 import Connection
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp, from_rfc3339
from llmesc.state.keeping import Problem, Verified, head_text, one_problem_each, parse_head
from llmesc.state.sqlite_links import NO_DIGEST, digest_of, events_digest, prune_digest
from llmesc.state.sqlite_projected import differing


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """All records of what was let go together."""

    runs: frozenset[str]
    """Of which links may still be there."""
    so_far: int
    at: Timestamp | None
    who: str | None
    """The last time."""
    position: int
    """All links up to this one are gone."""
    digest: bytes
    """Of the last of those."""

    @classmethod
    def of(cls, connection: Connection) -> Signed:
        """As they stand in the file."""
        rows = connection.execute("SELECT prune_record FROM prunes WHERE prune_position > 0 ORDER BY prune_position")
        signed = cls(runs=frozenset(), so_far=0, at=None, who=None, position=0, digest=NO_DIGEST)
        for (text,) in rows:
            # One that was spoiled counts for nothing; that its link does not fit is found by the walk.
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                signed = signed._with(json.loads(text))
        return signed

    def _with(self, record: Mapping[str, Any]) -> Signed:
        position, digest = parse_head(record["anchor"])
        return Signed(
            runs=self.runs | frozenset(map(str, record["runs"])),
            so_far=int(record["so_far"]),
            at=from_rfc3339(record["at"]),
            who=str(record["who"]),
            position=position,
            digest=digest,
        )


_WALK = (
    "SELECT position, link_run, link_digest, prune_record, last_seq, body, link_seq FROM links "
    "LEFT JOIN prunes ON prune_position = position LEFT JOIN runs ON run_id = link_run "
    "LEFT JOIN events ON run = id AND first_seq = link_seq ORDER BY position"
)


def verify(connection: Connection, anchor: str | None) -> Verified:
    """Walks the chain of the file as it is at this moment. Raises ValueError for an anchor that is none."""
    wanted = None if anchor is None else parse_head(anchor)
    connection.execute("BEGIN")  # so that all that is read is of one moment
    try:
        walk = _Walk(Signed.of(connection), wanted)
        for row in connection.execute(_WALK):
            walk.step(*row)
        walk.end()
        unchained = frozenset(_unchained(connection, walk))
        problems = [*walk.problems, *_rows_without_events(connection)]
        flawed = {problem.run_id for problem in problems}
        problems += _differing(connection, unchained | flawed)
    finally:
        connection.execute("COMMIT")
    bad = {problem.run_id for problem in problems}
    (runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    present = {run_id for (run_id,) in connection.execute("SELECT run_id FROM runs")} & bad if bad else set()
    return Verified(
        runs=runs - len(unchained | present),
        links=walk.links,
        unchained_runs=len(unchained - bad),
        pruned_runs=walk.signed.so_far,
        pruned_at=walk.signed.at,
        pruned_by=walk.signed.who,
        head=head_text(walk.position, walk.before),
        problems=one_problem_each(problems),
    )


_NEVER = 2**62
"""Microseconds since 1970."""


class _Walk:
    """Along the links, in order."""

    def __init__(self, signed: Signed, wanted: tuple[int, bytes] | None) -> None:
        self.signed = signed
        self.problems: list[Problem] = []
        self.links = 0
        self.matched = 0
        """Rows of events that a link knows."""
        self.position = signed.position
        self.before = signed.digest
        self._wanted = wanted
        self._is_met = wanted is None or wanted == (signed.position, signed.digest)

    def step(
        self,
        position: int,
        run_id: str | None,
        stored: object,
        record: str | None,
        last: int | None,
        body: str | None,
        first: int | None,
    ) -> None:
        """One link."""
        digest = digest_of(stored)
        if position != self.position + 1:
            self._add("missing", None, f"links {self.position + 1} to {position - 1} of the chain are gone")
        elif run_id is None or first is None:
            if record is None:
                self._add("missing", None, f"link {position}: the record of what was pruned is gone")
            elif prune_digest(self.before, str(record)) != digest:
                self._add("changed", None, f"link {position}: the record of what was pruned is not as it was written")
        elif body is None or last is None:
            if run_id not in self.signed.runs:
                self._add("missing", run_id, f"its events from {first} on are gone")
        elif events_digest(self.before, run_id, first, last, str(body)) != digest:
            self._add("changed", run_id, f"its events {first} to {last} are not as they were written, or stand elsewhere")
        self.links += 1
        self.matched += body is not None
        self.position, self.before = position, digest
        self._is_met = self._is_met or self._wanted == (position, digest)

    def end(self) -> None:
        """Whether the anchor was met."""
        if self._is_met or self._wanted is None:
            return
        wanted = self._wanted[0]
        if wanted < self.signed.position:
            why = f"what stood at {wanted} was pruned since, so it proves nothing any more; keep a newer head"
        elif wanted > self.position:
            why = f"the chain ends at {self.position}: what was written up to {wanted} is gone"
        else:
            why = f"the chain has another digest at {wanted}: it was made anew since"
        self._add("unproven", None, f"the anchor is not met: {why}")

    def _add(self, flaw: Any, run_id: str | None, detail: str) -> None:
        self.problems.append(Problem(flaw=flaw, run_id=run_id, detail=detail))


def _unchained(connection: Connection, walk: _Walk) -> Iterator[str]:
    """Runs with events that no link knows: from before there was a chain, or else a problem."""
    (there,) = connection.execute("SELECT count(*) FROM events").fetchone()
    if there == walk.matched:
        return
    since = -1
    if connection.execute("SELECT 1 FROM prunes WHERE prune_position = 0").fetchone():
        first_linked = connection.execute(
            "SELECT id FROM links JOIN runs ON run_id = link_run ORDER BY position LIMIT 1"
        ).fetchone()
        since = _NEVER if first_linked is None else first_linked[0]
    rows = connection.execute(
        "SELECT run_id, min(first_seq), run FROM (SELECT run, first_seq FROM events EXCEPT "
        "SELECT id, link_seq FROM links JOIN runs ON run_id = link_run) LEFT JOIN runs ON id = run GROUP BY run"
    )
    for run_id, first, run in rows:
        if run_id is None:
            walk.problems.append(Problem(flaw="missing", run_id=None, detail=f"events of a run that is gone (row {run})"))
            continue
        yield run_id
        if run > since:
            detail = f"its events from {first} on are not in the chain: added by other means, or by an older llmesc"
            walk.problems.append(Problem(flaw="added", run_id=run_id, detail=detail))


def _rows_without_events(connection: Connection) -> Iterator[Problem]:
    for (run_id,) in connection.execute("SELECT run_id FROM runs WHERE NOT EXISTS (SELECT 1 FROM events WHERE run = id)"):
        yield Problem(flaw="missing", run_id=run_id, detail="all of its events are gone")


def _differing(connection: Connection, but: frozenset[str | None] | set[str | None]) -> Iterator[Problem]:
    """Runs whose row, or whose attempts' rows, say something else than their events."""
    for run, run_id in connection.execute("SELECT id, run_id FROM runs ORDER BY id").fetchall():
        if run_id not in but and (names := differing(connection, run)):
            detail = f"the list says something else than its events: {', '.join(names)}"
            yield Problem(flaw="changed", run_id=run_id, detail=detail)
