"""What one token costs on its way, counted in calls of Python functions, turns of the event loop and objects kept.

Each case is run with so many tokens and with twice as many: the difference is what tokens cost, without what a request costs.
No machine changes these numbers, only the code and, by a little, the version of Python.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.pieces import Finish
from llmesc.providers.openai_stream import ChatReader
from llmesc.providers.sse import SseDecoder
from llmesc.records.recorder import Recorder
from tests.escalation.world import LoopClock, Say, VirtualLoop, World, candidate, world
from tests.work.counting import counted

TOKENS = 300

Work = Callable[[int], object]
"""Deals with so many tokens; what it gives is kept while objects are counted."""


def calls(work: Work, tokens: int) -> int:
    """How often a function was called, or a coroutine or generator resumed."""
    with counted() as seen:
        work(tokens)
    return seen.count


def kept_objects(work: Work, tokens: int) -> int:
    """Blocks of memory that are still in use when it is over."""
    gc.collect()
    before = sys.getallocatedblocks()
    kept = work(tokens)
    gc.collect()
    after = sys.getallocatedblocks()
    del kept
    return after - before


def loop_turns(work: Work, tokens: int) -> int:
    """How often something was put off to the event loop's next turn, or to a time."""
    before = CountingLoop.puts_off
    work(tokens)
    return CountingLoop.puts_off - before


def for_each(count: Callable[[Work, int], int], work: Work) -> float:
    """What one token more comes to."""
    for tokens in (TOKENS, 2 * TOKENS):
        work(tokens)  # what is made once is made
    return (count(work, 2 * TOKENS) - count(work, TOKENS)) / TOKENS


@cache
def chunks(tokens: int) -> list[bytes]:
    """Events of a Chat Completions stream."""
    bodies = ({"id": "c", "choices": [{"index": 0, "delta": {"content": f"w{number} "}}]} for number in range(tokens))
    return [f"data: {json.dumps(body)}\n\n".encode() for body in bodies]


def read_in_one_burst(tokens: int) -> object:
    """All events arrive in one read, as those of a fast server do when the reader is late."""
    decoder, reader = SseDecoder(), ChatReader()
    for _ in reader.read(decoder.feed(b"".join(chunks(tokens)))):
        pass
    return decoder, reader


def read_one_by_one(tokens: int) -> object:
    """Each event arrives in a read of its own."""
    decoder, reader = SseDecoder(), ChatReader()
    for data in chunks(tokens):
        for _ in reader.read(decoder.feed(data)):
            pass
    return decoder, reader


class CountingLoop(VirtualLoop):
    """Counts what is put off."""

    puts_off = 0

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        CountingLoop.puts_off += 1
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        CountingLoop.puts_off += 1
        return super().call_at(when, callback, *args, context=context)


class Forgetful(World):
    """Remembers no events: what is kept is what a run keeps."""

    async def consume(self, event: Event) -> None:
        pass


def run_of(tokens: int, pause_seconds: float) -> RunView:
    """A run whose one candidate says so many tokens, recorded in a store that takes everything, and followed to its end."""
    script = [*(Say(f"w{number} ", pause_seconds) for number in range(tokens)), Finish("stop")]
    played = world((candidate("lab/m"), [script]))
    loop = CountingLoop()

    async def store(_events: Sequence[Event]) -> None:
        pass

    async def main() -> RunView:
        view = RunView()
        recorder = Recorder(store, LoopClock(loop))
        async with Forgetful(played.chain, played.providers, extra_consumers=(recorder,)).run(loop) as run:
            async for event in run:
                view = fold(view, event)
        return view

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def run_in_a_burst(tokens: int) -> object:
    """The provider never waits."""
    return run_of(tokens, 0.0)


def run_at_a_pace(tokens: int) -> object:
    """A hundred tokens a second."""
    return run_of(tokens, 0.01)


@dataclass(frozen=True)
class Case:
    """A way of a token, and the most that it may cost there."""

    work: Work
    calls: float
    turns: float
    kept: float


CASES = [
    # What was counted when the bound was set stands behind it; nothing may be kept of a token but its text.
    Case(read_in_one_burst, calls=17, turns=0, kept=0.5),  # 16, 0 and 0
    Case(read_one_by_one, calls=24, turns=0, kept=0.5),  # 23, 0 and 0
    Case(run_in_a_burst, calls=46, turns=0.1, kept=0.5),  # 44, 0 and 0
    Case(run_at_a_pace, calls=124, turns=3.5, kept=0.5),  # 118, 3.3 and 0
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.work.__name__)
def test_a_token_costs_no_more(case: Case) -> None:
    seen = {
        "calls": for_each(calls, case.work),
        "turns": for_each(loop_turns, case.work),
        "kept": for_each(kept_objects, case.work),
    }

    assert seen["calls"] <= case.calls
    assert seen["turns"] <= case.turns
    assert seen["kept"] <= case.kept
