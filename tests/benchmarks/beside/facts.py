"""What a caller meets when the first provider is sick, each contestant as its documentation sets it up: counted, not timed.

Requests are counted by the provider itself. A wait is cut after `PATIENCE_SECONDS` and told as longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.beside.contestants.route import Chain
from tests.benchmarks.beside.drive import Worker
from tests.benchmarks.beside.environments import Absent
from tests.benchmarks.beside.field import Contestant, Field
from tests.benchmarks.beside.mock import ANSWER, STREAMED_BY_DEFAULT, streamed
from tests.benchmarks.beside.provider import Provider

PATIENCE_SECONDS = 10.0
LEFT_OUT = frozenset({"llmesc", "httpx-kept", "raw"})
"""llmesc stands here with its durable state; the raw socket has no policy to look at."""

Fact = Mapping[str, str]


@dataclass(frozen=True)
class Sick:
    """What is wrong with the first provider."""

    title: str
    route: str
    stream: bool = False
    calls: int = 1
    """One after the other."""
    silence_seconds: float | None = None
    """What is set; None: nothing is."""


SICK = (
    Sick("503", "503"),
    Sick("429, retry-after 5 s; two calls", "429", calls=2),
    Sick("says nothing", "silent"),
    Sick("says nothing, 2 s allowed", "silent2", silence_seconds=2.0),
    Sick("stream cut after 10 tokens", "cut10", stream=True),
)
WELL = Sick("nothing", "ok")


def run(field: Field, provider: Provider, folder: Path) -> Sequence[Fact]:
    """A row for each contestant; all at once, since they mostly wait."""
    provider.counts()
    looked_at = [who for name, who in field.contestants.items() if name not in LEFT_OUT]
    own = folder / "facts"
    own.mkdir()
    with ExitStack() as opened, ThreadPoolExecutor(max_workers=len(looked_at) or 1) as pool:
        # All of them up and warm before the first is asked: an import takes as much of the machine as many calls.
        workers = list(pool.map(lambda who: _warm(Worker(who, own), opened, provider), looked_at))
        had = list(pool.map(lambda worker: _had(worker, provider), workers))
    counts = provider.counts()
    return [_row(who, each, counts) for who, each in zip(looked_at, had, strict=True)]


def _warm(worker: Worker, opened: ExitStack, provider: Provider) -> Worker | str:
    """Up, and one call done; or why not."""
    try:
        opened.enter_context(worker)
        _tell(worker, WELL, provider)
    except Absent as absent:
        return str(absent)
    return worker


def _had(worker: Worker | str, provider: Provider) -> Sequence[list[dict[str, Any]]] | str:
    """What one contestant's caller had of each call, by the sickness; why not, where the contestant broke."""
    if isinstance(worker, str):
        return worker
    try:
        return [[_tell(worker, each, provider) for _ in range(each.calls)] for each in SICK]
    except Absent as absent:
        return str(absent)


def _tell(worker: Worker, sick: Sick, provider: Provider) -> dict[str, Any]:
    bases = provider.bases(_route(sick, worker.who), "ok")
    chain = Chain(bases, as_it_comes=True, silence_seconds=sick.silence_seconds, variant=worker.who.variant)
    asked = {"do": "tell", "chain": asdict(chain), "stream": sick.stream, "patience_seconds": PATIENCE_SECONDS}
    return worker.ask(asked, PATIENCE_SECONDS * 3)


def _route(sick: Sick, who: Contestant) -> str:
    """A route of this contestant's own, so that its requests are counted apart."""
    return f"{sick.route}~{who.name}"


def _row(who: Contestant, had: Sequence[list[dict[str, Any]]] | str, counts: Mapping[str, int]) -> Fact:
    if isinstance(had, str):
        return {"as it comes": who.name} | {sick.title: had for sick in SICK}
    cells = {sick.title: _cell(sick, calls, counts.get(_route(sick, who), 0)) for sick, calls in zip(SICK, had, strict=True)}
    return {"as it comes": who.title, **cells}


def _cell(sick: Sick, calls: Sequence[Mapping[str, Any]], requests: int) -> str:
    """Such as `3 requests, 1.4 s`."""
    last, whole = calls[-1], streamed(STREAMED_BY_DEFAULT) if sick.stream else ANSWER
    if last.get("waiting"):
        outcome = "still waiting"
    elif last["text"] == whole:
        outcome = "whole answer"
    elif "error" in last:
        outcome = f"{last['error']} after {last['text'].count(' word')} tokens" if sick.stream else last["error"]
    else:
        outcome = f"{last['text'].count(' word')} tokens, told as whole"
    seconds = sum(each["seconds"] for each in calls)
    took = f"> {PATIENCE_SECONDS:.0f} s" if last.get("waiting") else f"{seconds:.1f} s" if seconds >= 0.1 else "< 0.1 s"
    return f"{requests} request{'s' if requests != 1 else ''}, {took}, {outcome}"
