"""All runs of a record, played under one policy, in the order of simulated time. Deterministic for a seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator, Sequence

from llmesc.engine.simulation.health import Health
from llmesc.engine.simulation.outcomes import Outcomes
from llmesc.engine.simulation.rules import Played, Rules
from llmesc.engine.simulation.walk import Walk
from llmesc.escalation.times import Timestamp
from llmesc.state.past import PastRun

AT_ONCE = 500
"""Runs that are begun before others get their turn."""


def play(
    runs: Sequence[PastRun], rules_of: Callable[[PastRun], Rules], outcomes: Outcomes, health: Health
) -> Generator[int, None, list[Played]]:
    """What becomes of `runs` (the oldest first), in their order; gives how many have begun, every now and then. `health` is
    theirs together, and as they leave it afterwards.

    Each goes on exactly when the one before would have told it something: a circuit that opens while another run waits for its
    answer is open for that run's next call.
    """
    played: list[Played | None] = [None] * len(runs)
    going: list[tuple[float, int, Generator[Timestamp, None, Played]]] = []

    def go_on(number: int, walk: Generator[Timestamp, None, Played]) -> None:
        try:
            heapq.heappush(going, (next(walk), number, walk))
        except StopIteration as ended:
            played[number] = ended.value

    for number, run in enumerate(runs):
        while going and going[0][0] <= run.began:
            _, earlier, walk = heapq.heappop(going)
            go_on(earlier, walk)
        go_on(number, Walk(run, rules_of(run), health, outcomes).play())
        if number % AT_ONCE == AT_ONCE - 1:
            yield number + 1
    while going:
        _, earlier, walk = heapq.heappop(going)
        go_on(earlier, walk)
    return [each for each in played if each is not None]


def jitter(seed: int) -> Callable[[], float]:
    """Numbers in [0, 1) that are the same for the same seed."""
    return random.Random(seed).random
