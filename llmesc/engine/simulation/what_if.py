"""Reads a record, plays it under another policy, and adds up."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from llmesc.config.model import Config
from llmesc.config.offers import DEFAULT_CHAIN
from llmesc.engine.assemble import offerings, timeouts
from llmesc.engine.pricing import Pricing
from llmesc.engine.simulation.compare import Changed, Fidelity, changed, fidelity
from llmesc.engine.simulation.differences import Change, changes
from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.outcomes import Outcomes
from llmesc.engine.simulation.play import jitter, play
from llmesc.engine.simulation.policy import Policy, Situated
from llmesc.engine.simulation.rules import Played
from llmesc.engine.simulation.sums import Sums, as_recorded, sums
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import ModelKey
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state.past import PastQuery, PastRun
from llmesc.state.store import Store

T = TypeVar("T")

OnProgress = Callable[[str, float | None], None]
"""What is being done, and the part of it that is done, 0 to 1; None: nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What if?"""

    policy: Config
    """Whole."""
    against: Config | None = None
    """What it is compared with; None: the present configuration."""
    since: Timestamp
    """Of the requests that began then or later, and before `until`; None does not filter."""
    until: Timestamp
    chain: str | None = None
    caller: str | None = None
    provider: str | None = None
    """One that was called."""
    seed: int = 0

    @property
    def query(self) -> PastQuery:
        """As stores are asked."""
        return PastQuery(since=self.since, until=self.until, chain=self.chain, caller=self.caller, provider=self.provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The answer."""

    question: Question
    changes: tuple[Change, ...]
    """What the policy says differently from what it is compared with."""
    recorded: Sums
    """As it was."""
    before: Sums
    """The same runs, played under what the policy is compared with."""
    after: Sums
    """And under the policy."""
    changed: tuple[Changed, ...]
    """From `before` to `after`."""
    fidelity: Fidelity
    """Of a play under the present configuration: how far the two can be believed."""
    left_out: Mapping[str, int]
    """Runs that are not played, by why: nobody knows how they would have ended."""
    strangers: Mapping[ModelKey, int]
    """Whom nobody knows, and how many runs came to them under the policy."""
    other_chains: tuple[str, ...]
    """Chains of recorded runs that the policy does not have; they are played as they were."""


async def simulate(
    question: Question, present: Config, store: Store, clock: Clock, on_progress: OnProgress | None = None
) -> Simulation:
    """Plays the runs that are asked for. The same record, configurations and seed give the same answer.

    Raises `StateUnavailable`.
    """
    tell = on_progress or (lambda _words, _part: None)
    with _no_search_for_garbage():
        return await _simulated(question, present, store, clock, tell)


async def _simulated(question: Question, present: Config, store: Store, clock: Clock, tell: OnProgress) -> Simulation:
    found = await _read(store, question.query, tell)
    why_not = [_left_out(run) for run in found]
    runs = [run for run, why in zip(found, why_not, strict=True) if why is None]
    outcomes = Outcomes(runs, question.seed)
    today = await _situated(present, clock)

    async def played_under(config: Config, words: str) -> list[Played]:
        policy = Policy(today if config is present else await _situated(config, clock), today)
        playing = play(runs, policy.rules, outcomes, Health(config.circuit, jitter(question.seed)))
        return await _with_breaks(playing, lambda done: tell(words, done / len(runs)))

    record = [as_recorded(run) for run in runs]
    as_now = await played_under(present, "playing the present configuration")
    before = as_now if question.against is None else await played_under(question.against, "playing what it is compared with")
    after = await played_under(question.policy, "playing the new policy")
    known = {DEFAULT_CHAIN, *question.policy.chains}
    return Simulation(
        question=question,
        changes=changes(question.policy, question.against or present),
        recorded=sums(record),
        before=sums(before),
        after=sums(after),
        changed=changed(runs, before, after),
        fidelity=fidelity(record, as_now),
        left_out=Counter(why for why in why_not if why is not None),
        strangers=Counter(run.unknown for run in after if run.unknown is not None),
        other_chains=tuple(sorted({run.chain.name for run in runs} - known)),
    )


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """A record is a million small objects, none of which is garbage before the end: to look through them again and again takes
    longer than to play them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


async def _read(store: Store, query: PastQuery, tell: OnProgress) -> list[PastRun]:
    """The oldest first."""
    found: list[PastRun] = []
    rest = ""
    while True:
        runs, rest = await store.past(query, rest)
        found += runs
        if not rest:
            break
        tell("reading the record", (query.until - found[-1].began) / (query.until - query.since) if found else None)
        await asyncio.sleep(0)
    found.reverse()
    return found


async def _situated(config: Config, clock: Clock) -> Situated:
    pricing = Pricing(config, clock)
    await pricing.load()
    return Situated(config, pricing.priced(offerings(config)), timeouts(config))


async def _with_breaks(work: Generator[int, None, T], on_progress: Callable[[int], None]) -> T:
    """What long work comes to; whenever it gives a number, others have their turn, and a Ctrl-C its effect."""
    while True:
        try:
            on_progress(next(work))
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(0)


def _left_out(run: PastRun) -> str | None:
    """Why it is not played; None: it is."""
    if run.outcome is None:
        return "no end on record"
    if run.outcome == "cancelled":
        return "cancelled"
    if run.outcome == "policy" and not run.calls:
        return "not allowed"
    return None
