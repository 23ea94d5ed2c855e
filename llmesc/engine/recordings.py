"""Files of events, as `history export` and `ask --jsonl` write them: read without trust, and taken into a store once.

A file is taken whole or not at all: a line that is no event is named, and so is a run that does not hold together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.events import Event, RunStarted
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.misfit import misfit
from llmesc.escalation.untrusted import one_line
from llmesc.state.store import Store

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Ids become names of files and arguments of commands."""


class UnusableRecording(LlmescError):
    """A file that cannot be taken: which line or which run, and why."""


class Line(NamedTuple):
    """One line of a file that holds an event."""

    number: int
    """From 1."""
    run_id: str
    seq: int
    event: Event | None
    """None: of a type that only a newer llmesc knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a file: ids of runs."""

    new: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    """That were there in part."""
    known: tuple[str, ...] = ()
    """That were there already."""
    unknown_events: int = 0
    """Of types that a newer version wrote; they were passed over."""


def read_lines(lines: Iterable[str]) -> Iterator[Line]:
    """The events of a file; empty lines are passed over. Raises `UnusableRecording` that names the first line that is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            head = _head(data)
            event = decode_event(data)
            if event is not None and (wrong := misfit(event, type(event))) is not None:
                raise ValueError(wrong)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
            raise UnusableRecording(f"line {number}: no event of a run: {one_line(_why(error))}") from None
        yield Line(number, *head, event)


def runs_of(lines: Iterable[Line]) -> tuple[Mapping[str, Sequence[Event]], int]:
    """The events of each run in their order, and how many were passed over.

    Raises `UnusableRecording` for a run without its beginning, with a gap, or with two events in one place.
    """
    runs: dict[str, dict[int, Line]] = {}
    for line in lines:
        run = runs.setdefault(line.run_id, {})
        other = run.setdefault(line.seq, line)
        if other.event != line.event:
            raise UnusableRecording(f"line {line.number}: run {line.run_id} has another event {line.seq} in line {other.number}")
    for run_id, found in runs.items():
        _whole(run_id, found)
    events = {run_id: [line.event for _, line in sorted(run.items()) if line.event is not None] for run_id, run in runs.items()}
    return events, sum(line.event is None for run in runs.values() for line in run.values())


async def take(
    store: Store, runs: Mapping[str, Sequence[Event]], opened: Callable[[Sequence[Event]], Awaitable[Sequence[Event]]]
) -> Imported:
    """Adds what is not there yet. `opened` reads the store's own events, as far as their key is here.

    Raises `UnusableRecording`, and changes nothing, where the store has another run of the same id; `StateUnavailable` as the
    store does.
    """
    new, completed, known = list[str](), list[str](), list[str]()
    missing: list[Sequence[Event]] = []
    for run_id, events in runs.items():
        there = {event.seq: event for event in await opened(await store.events(run_id))}
        if any(event.seq in there and not _same(event, there[event.seq], there) for event in events):
            raise UnusableRecording(f"run {run_id} is here already, and is another one; nothing was imported")
        rest = [event for event in events if event.seq not in there]
        (new if not there else completed if rest else known).append(run_id)
        missing += [rest] if rest else []
    for events in missing:
        await store.append(events)
    return Imported(new=tuple(new), completed=tuple(completed), known=tuple(known))


def _head(data: Mapping[str, Any]) -> tuple[str, int]:
    run_id, seq, elapsed = data["run_id"], data["seq"], data["elapsed_ms"]
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise ValueError("run_id is no id")
    if type(seq) is not int or seq < 0:
        raise ValueError("seq is no count")
    if type(elapsed) not in (int, float):
        raise ValueError("elapsed_ms is no number")
    if not isinstance(data.get("type"), str):
        raise ValueError("type is no name")
    return run_id, seq


def _why(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)


def _whole(run_id: str, found: Mapping[int, Line]) -> None:
    for wanted, seq in enumerate(sorted(found)):
        if seq != wanted:
            raise UnusableRecording(f"line {found[seq].number}: run {run_id} lacks its event {wanted}")
    first = found[0]
    if not isinstance(first.event, RunStarted):
        raise UnusableRecording(f"line {first.number}: run {run_id} does not begin with run_started")


def _same(event: Event, there: Event, stored: Mapping[int, Event]) -> bool:
    """Whether both are the same event of the same run. Where one record was not to keep the texts, time and type must do."""
    first = stored[min(stored)]
    kept_all = isinstance(first, RunStarted) and first.capture == "full"
    one, other = encode_event(event), encode_event(there)
    if kept_all and event.sealed is None and not (isinstance(event, RunStarted) and event.capture != "full"):
        return one == other
    return (one["type"], one["at"]) == (other["type"], other["at"])
